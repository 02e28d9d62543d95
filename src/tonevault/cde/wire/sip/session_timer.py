"""Session timers (RFC 4028): a call whose peer died without a BYE ends by itself. Both roles' negotiation, and the clock of one session."""

from dataclasses import dataclass, replace
from enum import Enum

from tonevault.cde.wire.sip.errors import SipParseError
from tonevault.cde.wire.sip.grammar import WHITESPACE, parse_number
from tonevault.cde.wire.sip.limits import MAX_DELTA_SECONDS
from tonevault.cde.wire.sip.message import Message, Request, Response
from tonevault.cde.wire.sip.parameters import Parameters

OPTION = "timer"
"""The option tag (RFC 4028 section 7.1)."""

LEAST_INTERVAL_S = 90
"""RFC 4028 section 5: the least Min-SE, which every element accepts."""

USUAL_INTERVAL_S = 1800
"""RFC 4028 section 4: the interval recommended for those without a better idea."""


class Refresher(Enum):
    """Who sends the refreshes: the sender of the request that set the timer, or its receiver."""

    UAC = "uac"
    UAS = "uas"


@dataclass(frozen=True, slots=True)
class SessionExpires:
    """The Session-Expires header: an interval in seconds, and the refresher when it is settled."""

    interval_s: int
    refresher: Refresher | None = None

    @classmethod
    def parse(cls, text: str) -> "SessionExpires":
        """From the header value. Raises SipParseError."""
        interval, _, parameters = text.partition(";")
        number = parse_number(interval.strip(WHITESPACE), "Session-Expires", MAX_DELTA_SECONDS)
        named = (
            Parameters.parse(parameters.strip(WHITESPACE), "Session-Expires").get("refresher") or ""
        ).lower()
        try:
            return cls(number, Refresher(named) if named else None)
        except ValueError:
            raise SipParseError("Session-Expires", "the refresher is uac or uas") from None

    def text(self) -> str:
        """The wire text."""
        return (
            str(self.interval_s)
            if self.refresher is None
            else f"{self.interval_s};refresher={self.refresher.value}"
        )


@dataclass(frozen=True, slots=True)
class SessionTimerPolicy:
    """What we ask for and the least that we accept, in seconds."""

    interval_s: int = USUAL_INTERVAL_S
    least_interval_s: int = LEAST_INTERVAL_S

    def __post_init__(self) -> None:
        if not LEAST_INTERVAL_S <= self.least_interval_s <= self.interval_s:
            raise ValueError(
                "session timer: 90 s or more, and the least interval no longer than the usual one (RFC 4028)"
            )


@dataclass(frozen=True, slots=True)
class SessionTimer:
    """The clock of a session, started by the 2xx that set or refreshed it at `started` (seconds, monotonic)."""

    interval_s: int
    we_refresh: bool
    started: float

    @property
    def refresh_at(self) -> float | None:
        """When to send a re-INVITE or UPDATE: after half the interval (section 10). None when the peer does."""
        return self.started + self.interval_s / 2 if self.we_refresh else None

    @property
    def expires_at(self) -> float:
        """When to end an unrefreshed session by BYE: 32 s before the interval is over, or a third of it if less (section 10)."""
        return self.started + self.interval_s - min(32.0, self.interval_s / 3)

    def restarted(self, now: float) -> "SessionTimer":
        """The same after a refresh that settled nothing new."""
        return replace(self, started=now)


@dataclass(frozen=True, slots=True)
class IntervalTooSmall:
    """The request is to be answered 422 with this Min-SE."""

    least_interval_s: int


def session_expires_of(message: Message) -> SessionExpires | None:
    """The header of a message; None when there is none. Raises SipParseError."""
    value = message.headers.get("Session-Expires")
    return None if value is None else SessionExpires.parse(value)


def offer(request: Request, policy: SessionTimerPolicy, refresher: Refresher | None = None) -> None:
    """Ask for a timer in an INVITE or UPDATE of ours. In a refresh, name the `refresher`, so that the roles stay (section 7.4)."""
    if not request.headers.has_option("Supported", OPTION):
        request.headers.add("Supported", OPTION)
    request.headers.set("Session-Expires", SessionExpires(policy.interval_s, refresher).text())
    if policy.least_interval_s > LEAST_INTERVAL_S:
        request.headers.set("Min-SE", str(policy.least_interval_s))


def after_too_small(response: Response, policy: SessionTimerPolicy) -> SessionTimerPolicy:
    """The policy for the next attempt after a 422: its Min-SE is the least (section 7.3). Raises SipParseError."""
    least = response.number("Min-SE", MAX_DELTA_SECONDS)
    if least is None:
        raise SipParseError("Min-SE", "stands in every 422 (RFC 4028 section 6)")
    least = max(least, policy.least_interval_s)
    return SessionTimerPolicy(max(policy.interval_s, least), least)


def settle_as_client(response: Response, now: float) -> SessionTimer | None:
    """The timer that a 2xx to our INVITE or UPDATE sets; None when the peer wants none (section 7.2). Raises SipParseError."""
    granted = session_expires_of(response)
    if granted is None:
        return None
    return SessionTimer(
        max(granted.interval_s, LEAST_INTERVAL_S), granted.refresher is not Refresher.UAS, now
    )


def settle_as_server(
    request: Request, response: Response, policy: SessionTimerPolicy, now: float
) -> SessionTimer | IntervalTooSmall:
    """Settle the timer for an INVITE or UPDATE that we accept, and write it into our 2xx (section 9). Raises SipParseError."""
    wanted = session_expires_of(request)
    peer_supports = request.headers.has_option("Supported", OPTION) or request.headers.has_option(
        "Require", OPTION
    )
    if wanted is not None and peer_supports and wanted.interval_s < policy.least_interval_s:
        return IntervalTooSmall(policy.least_interval_s)
    interval = policy.interval_s
    if wanted is not None:
        floor = max(request.number("Min-SE", MAX_DELTA_SECONDS) or 0, policy.least_interval_s)
        interval = max(min(interval, wanted.interval_s), floor)
    refresher = Refresher.UAS
    if peer_supports:
        refresher = (wanted.refresher if wanted is not None else None) or Refresher.UAC
        response.headers.set("Session-Expires", SessionExpires(interval, refresher).text())
        if refresher is Refresher.UAC and not response.headers.has_option("Require", OPTION):
            response.headers.add("Require", OPTION)
    elif wanted is not None:
        response.headers.set("Session-Expires", SessionExpires(interval, refresher).text())
    return SessionTimer(interval, refresher is Refresher.UAS, now)
