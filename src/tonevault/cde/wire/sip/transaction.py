"""One transaction: its place in the table, and its timers. What its actions mean is the business of the client and the server side."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from tonevault.cde.wire.sip.events import ClientKey, ServerKey, SipEvent
from tonevault.cde.wire.sip.message import Response
from tonevault.cde.wire.sip.peer import Peer
from tonevault.cde.wire.sip.timer_queue import TimerQueue
from tonevault.cde.wire.sip.timings import Timings
from tonevault.cde.wire.sip.transitions import STATES, TABLE, TIMERS, Action, Machine, State, Timer, Trigger

TransactionKey = ClientKey | ServerKey

K = TypeVar("K", ClientKey, ServerKey)

MIN_INVITE_LINGER_S = 32.0
"""RFC 3261 section 17.1.1.2: timer D is at least 32 s over UDP, whatever T1 is."""

ALL_TIMERS = tuple(Timer)

TIMER_TRIGGERS = {Timer.RESEND: Trigger.RESEND, Timer.GIVE_UP: Trigger.GIVE_UP, Timer.LINGER: Trigger.LINGER}


@dataclass(slots=True, repr=False)
class Outlets:
    """Where the transactions put what they have to say, and the clockwork that they share."""

    timings: Timings
    events: deque[SipEvent] = field(default_factory=deque)
    datagrams: deque[tuple[Peer, bytes]] = field(default_factory=deque)
    timers: TimerQueue[tuple[TransactionKey, Timer]] = field(default_factory=TimerQueue)

    def send(self, peer: Peer, data: bytes) -> None:
        """Queue a message."""
        self.datagrams.append((peer, data))


class Transaction(Generic[K]):
    """A transaction of either side, over `peer`'s transport."""

    __slots__ = ("key", "machine", "peer", "resend_s", "state")

    def __init__(self, machine: Machine, key: K, peer: Peer) -> None:
        self.machine = machine
        self.key: K = key
        self.peer = peer
        self.state = STATES[machine][0]
        self.resend_s = 0.0

    def start(self, outlets: Outlets, now: float) -> None:
        """Start the timers of the first state."""
        for timer in TIMERS.get((self.machine, self.state), ()):
            self._arm(timer, outlets, now)

    def advance(self, trigger: Trigger, outlets: Outlets, now: float) -> Iterator[Action]:
        """Enter the next state with its timers; gives the actions to carry out."""
        transition = TABLE[self.machine][self.state][trigger]
        if transition.state is not self.state:
            self._enter(transition.state, outlets, now)
        elif trigger is Trigger.RESEND:
            self._repeat(outlets, now)
        return iter(transition.actions)

    def await_acknowledgement(self, outlets: Outlets, now: float) -> None:
        """Start RESEND and GIVE_UP by hand: a reliable provisional response is repeated until its PRACK (RFC 3262 section 3)."""
        self.resend_s = outlets.timings.t1_s
        outlets.timers.set((self.key, Timer.RESEND), now + self.resend_s)
        outlets.timers.set((self.key, Timer.GIVE_UP), now + outlets.timings.timeout_s)

    def _enter(self, state: State, outlets: Outlets, now: float) -> None:
        running = TIMERS.get((self.machine, self.state), ())
        self.state = state
        wanted = TIMERS.get((self.machine, state), ())
        for timer in ALL_TIMERS:
            if timer not in wanted:
                outlets.timers.cancel((self.key, timer))
            elif timer not in running:
                self._arm(timer, outlets, now)

    def _arm(self, timer: Timer, outlets: Outlets, now: float) -> None:
        interval = self._first_interval_s(timer, outlets.timings)
        if interval is None:
            outlets.timers.cancel((self.key, timer))
        elif interval == 0:
            self.state = State.TERMINATED
        else:
            outlets.timers.set((self.key, timer), now + interval)

    def _first_interval_s(self, timer: Timer, timings: Timings) -> float | None:
        """None for a timer that this transport does not need; 0 for one that ends the transaction at once."""
        match timer:
            case Timer.RESEND:
                # RFC 3261 section 13.3.1.4: a 2xx is repeated over every transport, since proxies may change it on the way.
                if self.peer.transport.is_stream and self.state is not State.ACCEPTED:
                    return None
                self.resend_s = timings.t1_s
                return self.resend_s
            case Timer.GIVE_UP:
                return timings.timeout_s
            case Timer.LINGER:
                return self._linger_s(timings)

    def _linger_s(self, timings: Timings) -> float:
        if self.state in (State.ACCEPTED, State.ACKNOWLEDGED):
            return timings.timeout_s  # M, L: for every transport (RFC 6026)
        if self.peer.transport.is_stream:
            return 0.0
        match self.machine:
            case Machine.INVITE_CLIENT:
                return max(MIN_INVITE_LINGER_S, timings.timeout_s)  # D
            case Machine.SERVER:
                return timings.timeout_s  # J
            case _:
                return timings.t4_s  # I, K

    def _repeat(self, outlets: Outlets, now: float) -> None:
        doubled = 2 * self.resend_s
        if self.machine is Machine.CLIENT and self.state is State.PROCEEDING:
            # Timer E, once a provisional response is in.
            doubled = outlets.timings.t2_s
        elif self.state not in (State.CALLING, State.PROCEEDING):
            # Timer A and the reliable provisional response double without a bound; E, G and the 2xx do not.
            doubled = min(doubled, outlets.timings.t2_s)
        self.resend_s = doubled
        outlets.timers.set((self.key, Timer.RESEND), now + doubled)


def trigger_of(response: Response) -> Trigger:
    """How a response moves a transaction."""
    if response.is_provisional:
        return Trigger.PROVISIONAL
    return Trigger.SUCCESS if response.is_success else Trigger.FAILURE
