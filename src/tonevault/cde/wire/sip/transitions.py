"""The transaction machines of RFC 3261 section 17 and RFC 6026, whole, as one table. Whatever is not in it cannot happen."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import auto

from tonevault.cde.wire.sip.quick_enum import QuickEnum


class Machine(QuickEnum):
    """The four machines: who waits for whom."""

    INVITE_CLIENT = auto()
    CLIENT = auto()
    INVITE_SERVER = auto()
    SERVER = auto()


class State(QuickEnum):
    """The states of RFC 3261 with Accepted of RFC 6026. Acknowledged is its half in which the ACK has come and the 2xx rests."""

    CALLING = auto()
    TRYING = auto()
    PROCEEDING = auto()
    ACCEPTED = auto()
    ACKNOWLEDGED = auto()
    COMPLETED = auto()
    CONFIRMED = auto()
    TERMINATED = auto()


class Timer(QuickEnum):
    """What a timer does. RESEND: A, E, G and the repeated 2xx; GIVE_UP: B, F, H and the wait for an ACK; LINGER: D, I, J, K, L, M."""

    RESEND = auto()
    GIVE_UP = auto()
    LINGER = auto()


class Trigger(QuickEnum):
    """What happens to a transaction. A client receives the responses, a server's owner sends them."""

    PROVISIONAL = auto()
    SUCCESS = auto()
    FAILURE = auto()
    REQUEST = auto()
    ACK = auto()
    RESEND = auto()
    GIVE_UP = auto()
    LINGER = auto()
    TRANSPORT_FAILURE = auto()


class Action(QuickEnum):
    """What the transaction then does, besides entering its state with that state's timers."""

    DELIVER = auto()
    DELIVER_OR_ACKNOWLEDGE = auto()
    RESEND_REQUEST = auto()
    ACKNOWLEDGE_FAILURE = auto()
    REPORT_TIME_OUT = auto()
    REPORT_TRANSPORT = auto()
    SEND_RESPONSE = auto()
    RESEND_RESPONSE = auto()
    RESEND_RELIABLE = auto()
    DELIVER_ACK = auto()
    REPORT_NO_ACK = auto()
    REPORT_NO_PRACK = auto()
    TRY_OTHER_WAY = auto()


@dataclass(frozen=True, slots=True)
class Transition:
    """The state to enter, and the actions on the way in their order."""

    state: State
    actions: tuple[Action, ...] = ()


_Row = dict[Trigger, Transition]

TRIGGERS: Mapping[Machine, frozenset[Trigger]] = {
    Machine.INVITE_CLIENT: frozenset(set(Trigger) - {Trigger.REQUEST, Trigger.ACK}),
    Machine.CLIENT: frozenset(set(Trigger) - {Trigger.REQUEST, Trigger.ACK}),
    Machine.INVITE_SERVER: frozenset(Trigger),
    Machine.SERVER: frozenset(set(Trigger) - {Trigger.ACK, Trigger.RESEND, Trigger.GIVE_UP}),
}
"""What can happen to each machine at all."""

STATES: Mapping[Machine, tuple[State, ...]] = {
    Machine.INVITE_CLIENT: (State.CALLING, State.PROCEEDING, State.ACCEPTED, State.COMPLETED),
    Machine.CLIENT: (State.TRYING, State.PROCEEDING, State.COMPLETED),
    Machine.INVITE_SERVER: (
        State.PROCEEDING,
        State.ACCEPTED,
        State.ACKNOWLEDGED,
        State.COMPLETED,
        State.CONFIRMED,
    ),
    Machine.SERVER: (State.TRYING, State.PROCEEDING, State.COMPLETED),
}
"""The states of each machine before its end; the first is the one that it starts in."""

TIMERS: Mapping[tuple[Machine, State], tuple[Timer, ...]] = {
    (Machine.INVITE_CLIENT, State.CALLING): (Timer.RESEND, Timer.GIVE_UP),  # A, B
    (Machine.INVITE_CLIENT, State.ACCEPTED): (Timer.LINGER,),  # M
    (Machine.INVITE_CLIENT, State.COMPLETED): (Timer.LINGER,),  # D
    (Machine.CLIENT, State.TRYING): (Timer.RESEND, Timer.GIVE_UP),  # E, F
    (Machine.CLIENT, State.PROCEEDING): (Timer.RESEND, Timer.GIVE_UP),  # E, F go on
    (Machine.CLIENT, State.COMPLETED): (Timer.LINGER,),  # K
    (Machine.INVITE_SERVER, State.ACCEPTED): (Timer.RESEND, Timer.GIVE_UP),  # the 2xx of section 13.3.1.4
    (Machine.INVITE_SERVER, State.ACKNOWLEDGED): (Timer.LINGER,),  # L
    (Machine.INVITE_SERVER, State.COMPLETED): (Timer.RESEND, Timer.GIVE_UP),  # G, H
    (Machine.INVITE_SERVER, State.CONFIRMED): (Timer.LINGER,),  # I
    (Machine.SERVER, State.COMPLETED): (Timer.LINGER,),  # J
}
"""The timers that start with a state, unless they run already. Two are started by an act instead, both while an INVITE is PROCEEDING:
GIVE_UP of the client after a CANCEL (section 9.1), RESEND and GIVE_UP of the server for a reliable provisional response (RFC 3262)."""


def _rest(state: State, *triggers: Trigger) -> _Row:
    """Rows in which nothing is done: a retransmission absorbed, a timer that was cancelled in the same instant."""
    return dict.fromkeys(triggers, Transition(state))


def _end(*actions: Action) -> Transition:
    return Transition(State.TERMINATED, actions)


_PROCEED = Transition(State.PROCEEDING, (Action.DELIVER,))
_SUCCEED = Transition(State.ACCEPTED, (Action.DELIVER_OR_ACKNOWLEDGE,))
_FAIL = Transition(State.COMPLETED, (Action.ACKNOWLEDGE_FAILURE, Action.DELIVER))
_FINISH = Transition(State.COMPLETED, (Action.DELIVER,))

_INVITE_CLIENT: dict[State, _Row] = {
    State.CALLING: {
        Trigger.PROVISIONAL: _PROCEED,
        Trigger.SUCCESS: _SUCCEED,
        Trigger.FAILURE: _FAIL,
        Trigger.RESEND: Transition(State.CALLING, (Action.RESEND_REQUEST,)),
        Trigger.GIVE_UP: _end(Action.REPORT_TIME_OUT),
        Trigger.TRANSPORT_FAILURE: _end(Action.REPORT_TRANSPORT),
        **_rest(State.CALLING, Trigger.LINGER),
    },
    State.PROCEEDING: {
        Trigger.PROVISIONAL: _PROCEED,
        Trigger.SUCCESS: _SUCCEED,
        Trigger.FAILURE: _FAIL,
        Trigger.GIVE_UP: _end(Action.REPORT_TIME_OUT),
        # The final response may come over a connection that the peer opens (section 18.2.2), so a broken one ends nothing.
        **_rest(State.PROCEEDING, Trigger.RESEND, Trigger.LINGER, Trigger.TRANSPORT_FAILURE),
    },
    State.ACCEPTED: {
        Trigger.SUCCESS: _SUCCEED,
        Trigger.LINGER: _end(),
        **_rest(
            State.ACCEPTED,
            Trigger.PROVISIONAL,
            Trigger.FAILURE,
            Trigger.RESEND,
            Trigger.GIVE_UP,
            Trigger.TRANSPORT_FAILURE,
        ),
    },
    State.COMPLETED: {
        Trigger.FAILURE: Transition(State.COMPLETED, (Action.ACKNOWLEDGE_FAILURE,)),
        Trigger.LINGER: _end(),
        **_rest(
            State.COMPLETED,
            Trigger.PROVISIONAL,
            Trigger.SUCCESS,
            Trigger.RESEND,
            Trigger.GIVE_UP,
            Trigger.TRANSPORT_FAILURE,
        ),
    },
}


def _client_waiting(state: State) -> _Row:
    return {
        Trigger.PROVISIONAL: _PROCEED,
        Trigger.SUCCESS: _FINISH,
        Trigger.FAILURE: _FINISH,
        Trigger.RESEND: Transition(state, (Action.RESEND_REQUEST,)),
        Trigger.GIVE_UP: _end(Action.REPORT_TIME_OUT),
        Trigger.TRANSPORT_FAILURE: _end(Action.REPORT_TRANSPORT),
        **_rest(state, Trigger.LINGER),
    }


_CLIENT: dict[State, _Row] = {
    State.TRYING: _client_waiting(State.TRYING),
    State.PROCEEDING: _client_waiting(State.PROCEEDING),
    State.COMPLETED: {
        Trigger.LINGER: _end(),
        **_rest(
            State.COMPLETED,
            Trigger.PROVISIONAL,
            Trigger.SUCCESS,
            Trigger.FAILURE,
            Trigger.RESEND,
            Trigger.GIVE_UP,
            Trigger.TRANSPORT_FAILURE,
        ),
    },
}

_INVITE_SERVER: dict[State, _Row] = {
    State.PROCEEDING: {
        Trigger.PROVISIONAL: Transition(State.PROCEEDING, (Action.SEND_RESPONSE,)),
        Trigger.SUCCESS: Transition(State.ACCEPTED, (Action.SEND_RESPONSE,)),
        Trigger.FAILURE: Transition(State.COMPLETED, (Action.SEND_RESPONSE,)),
        Trigger.REQUEST: Transition(State.PROCEEDING, (Action.RESEND_RESPONSE,)),
        Trigger.RESEND: Transition(State.PROCEEDING, (Action.RESEND_RELIABLE,)),
        Trigger.GIVE_UP: Transition(State.PROCEEDING, (Action.REPORT_NO_PRACK,)),
        Trigger.TRANSPORT_FAILURE: Transition(State.PROCEEDING, (Action.TRY_OTHER_WAY,)),
        **_rest(State.PROCEEDING, Trigger.ACK, Trigger.LINGER),
    },
    State.ACCEPTED: {
        Trigger.ACK: Transition(State.ACKNOWLEDGED, (Action.DELIVER_ACK,)),
        Trigger.RESEND: Transition(State.ACCEPTED, (Action.RESEND_RESPONSE,)),
        Trigger.GIVE_UP: _end(Action.REPORT_NO_ACK),
        Trigger.TRANSPORT_FAILURE: Transition(State.ACCEPTED, (Action.TRY_OTHER_WAY,)),
        # RFC 6026 section 7.1: a retransmitted INVITE is absorbed, as the 2xx is repeated by its own clock.
        **_rest(
            State.ACCEPTED,
            Trigger.PROVISIONAL,
            Trigger.SUCCESS,
            Trigger.FAILURE,
            Trigger.REQUEST,
            Trigger.LINGER,
        ),
    },
    State.ACKNOWLEDGED: {
        Trigger.LINGER: _end(),
        **_rest(State.ACKNOWLEDGED, *(set(Trigger) - {Trigger.LINGER})),
    },
    State.COMPLETED: {
        Trigger.REQUEST: Transition(State.COMPLETED, (Action.RESEND_RESPONSE,)),
        Trigger.ACK: Transition(State.CONFIRMED),
        Trigger.RESEND: Transition(State.COMPLETED, (Action.RESEND_RESPONSE,)),
        Trigger.GIVE_UP: _end(Action.REPORT_NO_ACK),
        Trigger.TRANSPORT_FAILURE: Transition(State.COMPLETED, (Action.TRY_OTHER_WAY,)),
        **_rest(State.COMPLETED, Trigger.PROVISIONAL, Trigger.SUCCESS, Trigger.FAILURE, Trigger.LINGER),
    },
    State.CONFIRMED: {
        Trigger.LINGER: _end(),
        **_rest(State.CONFIRMED, *(set(Trigger) - {Trigger.LINGER})),
    },
}


def _server_waiting(state: State, *on_request: Action) -> _Row:
    return {
        Trigger.PROVISIONAL: Transition(State.PROCEEDING, (Action.SEND_RESPONSE,)),
        Trigger.SUCCESS: Transition(State.COMPLETED, (Action.SEND_RESPONSE,)),
        Trigger.FAILURE: Transition(State.COMPLETED, (Action.SEND_RESPONSE,)),
        Trigger.REQUEST: Transition(state, on_request),
        Trigger.TRANSPORT_FAILURE: Transition(state, (Action.TRY_OTHER_WAY,)),
        **_rest(state, Trigger.LINGER),
    }


_SERVER: dict[State, _Row] = {
    State.TRYING: _server_waiting(State.TRYING),
    State.PROCEEDING: _server_waiting(State.PROCEEDING, Action.RESEND_RESPONSE),
    State.COMPLETED: {
        Trigger.REQUEST: Transition(State.COMPLETED, (Action.RESEND_RESPONSE,)),
        Trigger.LINGER: _end(),
        **_rest(
            State.COMPLETED,
            Trigger.PROVISIONAL,
            Trigger.SUCCESS,
            Trigger.FAILURE,
            Trigger.TRANSPORT_FAILURE,
        ),
    },
}

TABLE: Mapping[Machine, Mapping[State, Mapping[Trigger, Transition]]] = {
    Machine.INVITE_CLIENT: _INVITE_CLIENT,
    Machine.CLIENT: _CLIENT,
    Machine.INVITE_SERVER: _INVITE_SERVER,
    Machine.SERVER: _SERVER,
}
"""Every state of every machine, with every trigger that it knows."""
