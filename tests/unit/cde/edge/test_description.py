"""The description in a body: alone, inside a multipart body, or not there."""

import pytest

from tonevault.cde.edge.description import description_in
from tonevault.cde.edge.refusal import RefusalError
from tonevault.cde.wire.sip.headers import Headers
from tonevault.cde.wire.sip.message import Request
from tonevault.cde.wire.sip.uri import SipUri

SDP = b"v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\n"


def message(body: bytes, *headers: tuple[str, str]) -> Request:
    return Request("INVITE", SipUri.parse("sip:x@y"), Headers(list(headers)), body)


def multipart(*parts: bytes, boundary: bytes = b"b-1") -> bytes:
    return (
        b"".join(b"--" + boundary + b"\r\n" + part + b"\r\n" for part in parts) + b"--" + boundary + b"--\r\n"
    )


def test_alone() -> None:
    assert description_in(message(SDP, ("Content-Type", "Application/SDP; charset=utf-8"))) == SDP
    assert description_in(message(SDP, ("c", "application/sdp"))) == SDP
    assert description_in(message(b"")) == b""
    assert description_in(message(b"\r\n", ("Content-Type", "text/plain"))) == b""


@pytest.mark.parametrize(
    "kind",
    [
        'multipart/mixed; boundary="b-1"',
        "multipart/mixed;boundary=b-1",
        "multipart/related; x=y; Boundary=b-1",
    ],
)
def test_within_other_parts(kind: str) -> None:
    isup = b"Content-Type: application/isup;version=itu\r\n\r\n\x01\x02--"
    body = multipart(isup, b"Content-Disposition: session\r\ncontent-type : application/sdp\r\n\r\n" + SDP)
    assert description_in(message(b"preamble\r\n" + body, ("Content-Type", kind))) == SDP


@pytest.mark.parametrize(
    ("body", "headers", "hint"),
    [
        (SDP, [("Content-Type", "text/plain")], "Accept"),
        (SDP, [], "Accept"),
        (
            multipart(b"Content-Type: text/plain\r\n\r\nx"),
            [("Content-Type", "multipart/mixed; boundary=b-1")],
            "Accept",
        ),
        (multipart(b""), [("Content-Type", "multipart/mixed")], "Accept"),
        (
            b"--b-1--\r\n" + multipart(b"Content-Type: application/sdp\r\n\r\nx"),
            [("Content-Type", "multipart/mixed; boundary=b-1")],
            "Accept",
        ),
        (SDP, [("Content-Type", "application/sdp"), ("Content-Encoding", "gzip")], "Accept-Encoding"),
    ],
)
def test_what_is_not_taken(body: bytes, headers: list[tuple[str, str]], hint: str) -> None:
    with pytest.raises(RefusalError) as caught:
        description_in(message(body, *headers))
    assert caught.value.status == 415
    assert [name for name, _ in caught.value.headers] == [hint]
