"""The tables of call and leg: every state is reached, the last is final, and no other step is taken. The page draws the same."""

import re
from pathlib import Path

import pytest

from tonevault.cde.edge.call import CALL_PHASES, CallPhase
from tonevault.cde.edge.leg import LEG_STATES, CallLeg, LegState
from tonevault.cde.media import Leg
from tonevault.cde.wire.sip.message import Request
from tonevault.cde.wire.sip.peer import Peer, Transport
from tonevault.cde.wire.sip.uri import SipUri

PAGE = Path(__file__).parents[4] / "docs" / "calls.md"


def test_every_state_is_reached_and_over_is_final() -> None:
    assert set(CALL_PHASES) == set(CallPhase)
    assert {step for steps in CALL_PHASES.values() for step in steps} == set(CallPhase) - {CallPhase.DIALLING}
    assert not CALL_PHASES[CallPhase.OVER]
    assert set(LEG_STATES) == set(LegState)
    assert {step for steps in LEG_STATES.values() for step in steps} == set(LegState) - {LegState.EARLY}
    assert not LEG_STATES[LegState.OVER]


@pytest.mark.parametrize("title", ["call", "leg"])
def test_the_page_draws_the_tables(title: str) -> None:
    drawing = re.search(rf"<!-- {title} -->\n```\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert drawing is not None
    table = CALL_PHASES if title == "call" else LEG_STATES
    drawn = {
        (start, end.strip())
        for line in drawing[1].splitlines()
        for start, _, ends in [line.partition(" -> ")]
        for end in ends.split(",")
        if end.strip()
    }
    assert drawn == {(str(start), str(end)) for start, ends in table.items() for end in ends}


def test_a_step_that_is_not_in_the_table_is_refused() -> None:
    leg = CallLeg(
        Leg.CUSTOMER,
        Peer(Transport.UDP, "x", 5060),
        SipUri.parse("sip:x"),
        Request("INVITE", SipUri.parse("sip:x")),
        "t",
    )
    leg.become(LegState.UP)
    with pytest.raises(RuntimeError, match="no way from up to early"):
        leg.become(LegState.EARLY)
