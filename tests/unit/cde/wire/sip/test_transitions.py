"""The table of the transaction machines is whole, and every way through it leads to an end."""

import re
from pathlib import Path

import pytest

from tonevault.cde.wire.sip.transitions import (
    STATES,
    TABLE,
    TIMERS,
    TRIGGERS,
    Action,
    Machine,
    State,
    Timer,
    Trigger,
)

PAGE = Path(__file__).parents[5] / "docs" / "sip.md"

CLIENT_ACTIONS = {
    Action.DELIVER,
    Action.DELIVER_OR_ACKNOWLEDGE,
    Action.RESEND_REQUEST,
    Action.ACKNOWLEDGE_FAILURE,
    Action.REPORT_TIME_OUT,
    Action.REPORT_TRANSPORT,
}
RESPONSE_ACTIONS = {
    Action.DELIVER,
    Action.DELIVER_OR_ACKNOWLEDGE,
    Action.ACKNOWLEDGE_FAILURE,
    Action.SEND_RESPONSE,
}
RESPONSES = {Trigger.PROVISIONAL, Trigger.SUCCESS, Trigger.FAILURE}


@pytest.mark.parametrize("machine", Machine)
def test_every_state_answers_every_trigger(machine: Machine) -> None:
    assert set(TABLE[machine]) == set(STATES[machine])
    for state in STATES[machine]:
        assert set(TABLE[machine][state]) == TRIGGERS[machine], state


@pytest.mark.parametrize("machine", Machine)
def test_every_transition_enters_a_state_of_its_machine(machine: Machine) -> None:
    for row in TABLE[machine].values():
        for transition in row.values():
            assert transition.state in (*STATES[machine], State.TERMINATED)


@pytest.mark.parametrize("machine", Machine)
def test_every_state_is_reached_and_left(machine: Machine) -> None:
    reached = {STATES[machine][0]}
    while True:
        further = {
            transition.state
            for state in reached - {State.TERMINATED}
            for transition in TABLE[machine][state].values()
        }
        if further <= reached:
            break
        reached |= further
    assert reached == {*STATES[machine], State.TERMINATED}


@pytest.mark.parametrize("machine", Machine)
def test_clients_and_servers_keep_to_their_own_actions(machine: Machine) -> None:
    is_client = machine in (Machine.INVITE_CLIENT, Machine.CLIENT)
    for row in TABLE[machine].values():
        for trigger, transition in row.items():
            assert all((action in CLIENT_ACTIONS) is is_client for action in transition.actions)
            if RESPONSE_ACTIONS & set(transition.actions):
                assert trigger in RESPONSES, "an action that needs a response is only taken on one"


def test_every_state_with_timers_acts_on_each_of_them() -> None:
    triggers = {Timer.RESEND: Trigger.RESEND, Timer.GIVE_UP: Trigger.GIVE_UP, Timer.LINGER: Trigger.LINGER}
    for (machine, state), timers in TIMERS.items():
        for timer in timers:
            transition = TABLE[machine][state][triggers[timer]]
            assert transition.actions or transition.state is State.TERMINATED


def test_states_that_only_linger_end_by_their_timer() -> None:
    for machine, states in STATES.items():
        for state in states:
            if TIMERS.get((machine, state)) == (Timer.LINGER,):
                assert TABLE[machine][state][Trigger.LINGER].state is State.TERMINATED


@pytest.mark.parametrize("machine", Machine)
def test_the_page_draws_the_table(machine: Machine) -> None:
    drawing = re.search(rf"<!-- {machine.name.lower()} -->\n```\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert drawing is not None
    assert drawing[1].splitlines() == [draw(machine, state) for state in STATES[machine]]


def draw(machine: Machine, state: State) -> str:
    """One line: the states that follow, each with what leads there."""
    ways: dict[State, list[str]] = {}
    for trigger in Trigger:
        transition = TABLE[machine][state].get(trigger)
        if transition is not None and transition.state is not state:
            ways.setdefault(transition.state, []).append(trigger.name.lower())
    ends = (f"{end.name.lower()} ({', '.join(triggers)})" for end, triggers in ways.items())
    return f"{state.name.lower()} -> {'; '.join(ends)}"
