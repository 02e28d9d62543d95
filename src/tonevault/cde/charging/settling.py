"""How the unknown is settled: when to look, and what a look-up's answer means. Pure; `settler.py` carries it out."""

from dataclasses import dataclass
from typing import Final

from tonevault.cde.charging.model import EVENTS, AttemptEvent, Fault
from tonevault.cde.gateway import GatewayAnswer, Verdict

BACKOFF_S: Final = (1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0)
"""Pauses before the first, second… look-up. Soon at first, for a person waits on the line; the last repeats until settled."""
ANSWER_LIMIT_S: Final = 90.0
"""The longest that any gateway is listened to, whatever its adapter's own time-out."""
OVERDUE_S: Final = 120.0
"""When another node may take a sent attempt for silent: after the sender has certainly stopped listening."""


@dataclass(frozen=True, slots=True)
class Settled:
    """The look-up decides the attempt."""

    event: AttemptEvent
    answer: GatewayAnswer | None = None
    fault: Fault | None = None


@dataclass(frozen=True, slots=True)
class Wait:
    """Look again after so many seconds."""

    seconds: float


def backoff_s(step: int) -> float:
    """The pause after `step` look-ups."""
    return BACKOFF_S[min(step, len(BACKOFF_S) - 1)]


def judge(
    answer: GatewayAnswer | None, *, silent_s: float, visibility_lag_s: float, step: int
) -> Settled | Wait:
    """What a look-up means, `silent_s` seconds after we stopped listening and `step` look-ups before this one.

    *Not found* is believed only once the request has been silent for the gateway's whole visibility lag.
    """
    if answer is None:
        if silent_s >= visibility_lag_s:
            return Settled(AttemptEvent.FAIL, fault=Fault.NEVER_ARRIVED)
        return Wait(min(backoff_s(step + 1), visibility_lag_s - silent_s))
    if answer.verdict is Verdict.UNKNOWN:
        return Wait(backoff_s(step + 1))
    return Settled(EVENTS[answer.verdict], answer)
