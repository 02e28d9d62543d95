"""A whole call: dialled, rung, answered, hung up by either side, on datagrams and streams."""

import pytest
from tests.scenario.calls.stage import AGENT, CUSTOMER, EDGE, Stage

from tonevault.boundary.calls import CallState
from tonevault.cde.edge.observer import EndReason
from tonevault.cde.media import Direction, Leg
from tonevault.cde.wire.sdp.parse import parse
from tonevault.cde.wire.sip.peer import Transport


@pytest.mark.parametrize("transport", [Transport.UDP, Transport.TCP])
def test_a_call_is_answered_and_hung_up_by_the_customer(transport: Transport) -> None:
    stage = Stage(transport=transport)
    stage.call(headers=(("X-Customer", "c"), ("User-To-User", "abc"), ("User-Agent", "secret")))
    assert stage.customer.statuses() == [100, 180, 200]
    assert stage.notes.said == ["arrived", "ringing", "answered"]
    invite = stage.agent.requests[0]
    assert (invite.headers.get("X-Customer"), invite.headers.get("User-To-User")) == ("c", "abc")
    assert "User-Agent" not in invite.headers
    assert invite.uri.user == "4420"
    assert invite.from_.uri.text() == f"sip:+441632960001@{EDGE}"
    assert len(stage.agent.acks) == 1
    offer, answer = parse(invite.body), parse(stage.customer.responses[-1].body)
    assert offer.connection is not None
    assert answer.connection is not None
    assert offer.connection.address == answer.connection.address == EDGE
    assert CUSTOMER not in invite.encode().decode().split("\r\n\r\n")[1]
    call = stage.media.calls[stage.call_id]
    assert call.legs[Leg.CUSTOMER].remote.host == CUSTOMER
    assert call.legs[Leg.AGENT].remote.host == AGENT
    assert call.legs[Leg.AGENT].direction is Direction.SENDRECV
    (info,) = stage.switch.calls()
    assert (info.caller, info.called, info.state) == ("+441632960001", "4420", CallState.ANSWERED)

    stage.customer.send("BYE", headers=(("Reason", "Q.850;cause=16"),))
    stage.run(1)
    assert stage.customer.statuses("BYE") == [200]
    assert stage.agent.last("BYE").headers.get("Reason") == "Q.850;cause=16"
    assert stage.notes.infos[-1].end_reason is EndReason.CUSTOMER_HUNG_UP
    assert stage.switch.calls() == []
    stage.nothing_is_left()


def test_the_agent_hangs_up() -> None:
    stage = Stage()
    stage.call()
    stage.agent.send("BYE", headers=(("X-Payment-Status", "SUCCESS"),))
    stage.run(1)
    assert stage.customer.last("BYE").headers.get("X-Payment-Status") == "SUCCESS"
    assert stage.notes.infos[-1].end_reason is EndReason.AGENT_HUNG_UP
    stage.nothing_is_left()
