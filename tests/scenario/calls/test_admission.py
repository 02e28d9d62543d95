"""Who may call, where to, how many at once, and what each refusal says."""

import pytest
from tests.scenario.calls.phone import sdp
from tests.scenario.calls.stage import AGENT, CUSTOMER, Stage, route

from tonevault.cde.edge.observer import EndReason
from tonevault.cde.wire.sip.peer import Peer, Transport
from tonevault.testing.media import FakeMediaPlane


def test_peers_are_admitted_by_route_destination_or_dialog() -> None:
    stage = Stage(routes=(route(peers="192.0.2.0/28"),))
    udp = Transport.UDP
    assert stage.switch.admits(Peer(udp, CUSTOMER, 5060))
    assert stage.switch.admits(Peer(udp, f"::ffff:{CUSTOMER}", 5060))
    assert stage.switch.admits(Peer(udp, AGENT, 40000))
    assert not stage.switch.admits(Peer(udp, "192.0.2.99", 5060))
    assert not stage.switch.admits(Peer(udp, "name.example", 5060))


def test_an_unknown_peer_is_forbidden_where_it_gets_this_far() -> None:
    stage = Stage(routes=(route(peers="10.0.0.0/8"),))
    stage.call()
    assert stage.customer.statuses() == [100, 403]
    assert stage.notes.refused == ["unknown_peer"]
    assert stage.notes.said == []


def test_a_route_for_one_transport_refuses_the_others() -> None:
    stage = Stage(routes=(route(transport=Transport.TLS),))
    assert not stage.switch.admits(Peer(Transport.UDP, CUSTOMER, 5060))
    assert stage.switch.admits(Peer(Transport.TLS, CUSTOMER, 5060))


def test_no_route_for_the_number() -> None:
    stage = Stage(routes=(route(match="44*"),))
    stage.call("331")
    final = stage.customer.responses[-1]
    assert (final.status, final.reason) == (404, "No Route For This Number")
    stage.nothing_is_left()


def test_the_first_matching_route_wins_and_a_fixed_user_replaces_the_dialled() -> None:
    stage = Stage(
        routes=(
            route(name="none", match="55*"),
            route(name="payments", match="44?0", to=f"sip:queue@{AGENT}"),
            route(name="rest"),
        )
    )
    stage.call("4420")
    assert stage.notes.infos[0].route == "payments"
    assert stage.agent.requests[0].uri.user == "queue"


def test_the_limit_of_a_route() -> None:
    stage = Stage(routes=(route(max_calls=1),))
    stage.call()
    stage.customer.dialog = None
    stage.call()
    final = stage.customer.responses[-1]
    assert (final.status, final.headers.get("Retry-After")) == (503, "5")
    assert stage.notes.refused == ["route_full"]
    stage.switch.hang_up(stage.call_id)
    stage.customer.dialog = stage.agent.dialog = None
    stage.call()
    assert stage.customer.statuses()[-1] == 200


def test_no_relay_free() -> None:
    stage = Stage(media=FakeMediaPlane(capacity=0))
    stage.call()
    assert stage.customer.statuses()[-1] == 503
    assert stage.notes.refused == ["no_media"]
    stage.nothing_is_left()


@pytest.mark.parametrize(
    ("body", "status", "warning"),
    [
        (sdp(CUSTOMER, formats="101"), 488, '305 tonevault "No voice codec'),
        (sdp(CUSTOMER).replace(b"RTP/AVP", b"RTP/SAVP"), 488, '302 tonevault "SRTP'),
        (b"v=0\r\nnonsense 4111111111111111", 400, "399 tonevault"),
    ],
)
def test_an_offer_that_cannot_be_relayed(body: bytes, status: int, warning: str) -> None:
    stage = Stage()
    stage.call(body=body)
    final = stage.customer.responses[-1]
    assert final.status == status
    assert (final.headers.get("Warning") or "").startswith(warning)
    assert b"4111" not in final.encode()
    assert stage.agent.requests == []
    stage.nothing_is_left()


def test_no_codec_in_common() -> None:
    stage = Stage()
    stage.agent.answer = sdp(AGENT, formats="9")
    stage.call()
    final = stage.customer.responses[-1]
    assert final.status == 488
    assert "No voice codec in common" in (final.headers.get("Warning") or "")
    assert len(stage.agent.acks) == 1
    assert stage.agent.methods()[-1] == "BYE"
    assert stage.notes.infos[-1].end_reason is EndReason.NO_COMMON_CODEC
    stage.nothing_is_left()


@pytest.mark.parametrize(
    ("headers", "status", "answer"),
    [
        ((("Require", "replaces, gruu"),), 420, ("Unsupported", "replaces, gruu")),
        ((("Content-Encoding", "gzip"),), 415, ("Accept-Encoding", "identity")),
        ((("Session-Expires", "30"), ("Supported", "timer")), 422, ("Min-SE", "90")),
    ],
)
def test_what_is_asked_too_much(
    headers: tuple[tuple[str, str], ...], status: int, answer: tuple[str, str]
) -> None:
    stage = Stage()
    stage.call(headers=headers)
    final = stage.customer.responses[-1]
    assert final.status == status
    assert final.headers.get(answer[0]) == answer[1]
    stage.nothing_is_left()


@pytest.mark.parametrize(("hops", "status"), [("0", 483), ("9", 200)])
def test_hops_run_out(hops: str, status: int) -> None:
    stage = Stage()
    stage.customer.hops = hops
    stage.call()
    assert stage.customer.statuses()[-1] == status
    if status == 200:
        assert stage.agent.requests[0].max_forwards == 8


def test_outside_any_dialog() -> None:
    stage = Stage()
    stage.call()
    phone = stage.customer
    assert phone.dialog is not None
    for method, status in (("OPTIONS", 200), ("REGISTER", 405), ("INFO", 481), ("REFER", 405), ("FROB", 501)):
        request = phone.dialog.request(method)
        request.headers.set("To", "<sip:edge@198.51.100.1>")
        phone.node.send_request(request, stage.at_edge)
        stage.run(1)
        answer = phone.responses[-1]
        assert (answer.cseq.method, answer.status) == (method, status)
        if status != 481:
            assert "INVITE" in answer.headers.get_list("Allow")
    request = phone.dialog.request("BYE")
    request.headers.set("To", f"{request.headers.get('To')}x")
    phone.node.send_request(request, stage.at_edge)
    stage.run(1)
    assert phone.responses[-1].status == 481
