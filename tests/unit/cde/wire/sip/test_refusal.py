"""One thing wrong with an otherwise sound request: the status that it is answered with, or that it is dropped."""

import pytest
from tests.unit.cde.wire.sip.simulated_pair import SimulatedPair

from tonevault.cde.wire.sip.message import Response
from tonevault.cde.wire.sip.parser import parse_message

SOUND = {
    "Via": "SIP/2.0/UDP 192.0.2.15;branch=z9hG4bKkdjuw;rport",
    "To": "sip:j.user@example.com",
    "From": "sip:caller@example.net;tag=134161461246",
    "Max-Forwards": "7",
    "Call-ID": "one@192.0.2.15",
    "CSeq": "8 INVITE",
    "Contact": "<sip:caller@192.0.2.15>",
    "Content-Length": "0",
}


def spoilt(
    line: str = "INVITE sip:user@example.com SIP/2.0", *, more: str = "", **changed: str | None
) -> bytes:
    fields = {**SOUND, **{name.replace("_", "-"): value for name, value in changed.items()}}
    lines = [
        line,
        *(f"{name}: {value}" for name, value in fields.items() if value is not None),
        *more.splitlines(),
        "",
        "",
    ]
    return "\r\n".join(lines).encode()


def answer(data: bytes) -> Response | None:
    pair = SimulatedPair()
    pair.callee.stack.receive(data, pair.caller.peer, pair.now)
    datagram = pair.callee.stack.next_datagram()
    if datagram is None:
        return None
    response = parse_message(datagram[1])
    assert isinstance(response, Response)
    return response


@pytest.mark.parametrize(
    "data",
    [
        spoilt(Max_Forwards="300"),
        spoilt(CSeq="8 BYE"),
        spoilt(CSeq="2147483648 INVITE"),
        spoilt(Content_Length="-1"),
        spoilt(Content_Length="9999"),
        spoilt(Contact='"" <> ;,"Joe" <sip:joe@example.org>;;,,;;'),
        spoilt(more="CSeq: 59 INVITE"),
        spoilt(more="Call-ID: another"),
        spoilt(more="From: other <sip:other@example.com>;tag=1"),
        spoilt(more="Max-Forwards: 5"),
        spoilt(more="l: 5"),
        spoilt(Call_ID=None),
        spoilt(To=None),
        spoilt(Via="SIP/2.0/UDP 192.0.2.15:5060;;,;,,"),
    ],
)
def test_what_is_answered_400(data: bytes) -> None:
    response = answer(data)
    assert response is not None
    assert response.status == 400


@pytest.mark.parametrize(
    "data",
    [
        spoilt(Via=None),
        spoilt(Via="nonsense"),
        spoilt(Via="SIP/2.0/UDP [::1;branch=x"),
        spoilt("ACK sip:user@example.com SIP/2.0", CSeq="8 INVITE"),
        spoilt("ACK sip:user@example.com SIP/2.0", CSeq="8 ACK", Max_Forwards="300"),
        b"SIP/2.0 200 OK\r\n\r\n",
        b"\r\n\r\n",
        b"\x00" * 40,
    ],
)
def test_what_is_dropped(data: bytes) -> None:
    assert answer(data) is None


def test_a_spoilt_hop_goes_back_as_it_came() -> None:
    """Its sender knows it by nothing else."""
    for via in ("SIP/2.0/UDP 192.0.2.15:5060;;,;,,", "SIP/7.0/UDP 192.0.2.15;branch=z9hG4bK1;rport"):
        response = answer(spoilt(Via=via))
        assert response is not None
        assert response.headers.get_all("Via") == [via]


def test_lists_without_a_value_are_lists() -> None:
    """RFC 3261 section 25.1: Supported, Accept and others may be empty."""
    response = answer(spoilt(Supported="", Accept=""))
    assert response is not None
    assert response.status == 100
