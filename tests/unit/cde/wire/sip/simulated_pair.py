"""Two stacks on a simulated network: a caller and a callee, no latency, losses on demand, and every message written down with its time."""

import random
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from tonevault.cde.wire.sip.events import SipEvent
from tonevault.cde.wire.sip.headers import Headers
from tonevault.cde.wire.sip.message import Request
from tonevault.cde.wire.sip.peer import Address, Peer, Transport
from tonevault.cde.wire.sip.stack import SipStack
from tonevault.cde.wire.sip.uri import SipUri

CALLER_HOST = "192.0.2.1"
CALLEE_HOST = "192.0.2.2"

E = TypeVar("E")


def make_request(
    method: str = "INVITE", *, call_id: str = "call-1", cseq: int = 1, body: bytes = b""
) -> Request:
    """A request of the caller's, without Via: the stack writes that."""
    return Request(
        method,
        SipUri(user="agent", host=CALLEE_HOST),
        Headers(
            [
                ("From", f"<sip:customer@{CALLER_HOST}>;tag=caller"),
                ("To", f"<sip:agent@{CALLEE_HOST}>"),
                ("Call-ID", call_id),
                ("CSeq", f"{cseq} {method}"),
                ("Contact", f"<sip:customer@{CALLER_HOST}:5060>"),
            ]
        ),
        body,
    )


class Side:
    """One stack, its address, and the events it has given so far."""

    def __init__(self, host: str, transport: Transport, seed: int) -> None:
        self.peer = Peer(transport, host, 5060)
        self.stack = SipStack(
            entropy=random.Random(seed).randbytes, local_address=lambda _: Address(host, 5060)
        )
        self.events: list[SipEvent] = []

    def of(self, kind: type[E]) -> list[E]:
        """The events of one kind."""
        return [event for event in self.events if isinstance(event, kind)]

    def only(self, kind: type[E]) -> E:
        """The one event of this kind."""
        (event,) = self.of(kind)
        return event


class SimulatedPair:
    """The network between them. `lose` says of each message whether it is lost; `log` holds (time, sender, start line) of all sent."""

    def __init__(self, transport: Transport = Transport.UDP, seed: int = 7) -> None:
        self.now = 1000.0
        self.caller = Side(CALLER_HOST, transport, seed)
        self.callee = Side(CALLEE_HOST, transport, seed + 1)
        self.log: list[tuple[float, Side, str]] = []
        self.lose: Callable[[str], bool] = lambda _: False
        self.react: Callable[[Side, SipEvent], None] = lambda _side, _event: None

    def settle(self) -> None:
        """Deliver everything that is under way."""
        busy = True
        while busy:
            busy = False
            for side, other in ((self.caller, self.callee), (self.callee, self.caller)):
                while (datagram := side.stack.next_datagram()) is not None:
                    busy = True
                    self._carry(side, other, *datagram)
                while (event := side.stack.next_event()) is not None:
                    busy = True
                    side.events.append(event)
                    self.react(side, event)

    def run(self, seconds: float) -> None:
        """Let time pass, firing every timer at its own moment."""
        end = self.now + seconds
        self.settle()
        while True:
            due = [
                moment
                for side in (self.caller, self.callee)
                if (moment := side.stack.next_timer()) is not None
            ]
            moment = min(due, default=end)
            if moment > end:
                break
            self.now = max(self.now, moment)
            self.caller.stack.handle_timers(self.now)
            self.callee.stack.handle_timers(self.now)
            self.settle()
            if not due:
                break
        self.now = end

    def sent(self, side: Side, start: str) -> list[float]:
        """Seconds since the start of the play at which this side sent messages whose start line begins so."""
        return [round(at - 1000.0, 6) for at, who, line in self.log if who is side and line.startswith(start)]

    def _carry(self, side: Side, other: Side, target: Peer, data: bytes) -> None:
        line = data.split(b"\r\n", 1)[0].decode()
        self.log.append((self.now, side, line))
        if not self.lose(line) and target.host == other.peer.host:
            other.stack.receive(data, replace(side.peer), self.now)
