"""The pause of a recording: a row from before the platform is asked until it has confirmed that it records again."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from tonevault.kernel.ids import AccountId, CallId, SessionId

MAX_RETRY_S: Final = 30.0
"""A platform that is back after an outage records again within half a minute."""
GIVE_UP_AFTER: Final = timedelta(hours=24)
"""No call lasts longer: there is nothing left to record."""


class PauseState(StrEnum):
    """Where a pause stands. `failed` means that the platform did not confirm the pause; it is resumed all the same."""

    PAUSING = "pausing"
    PAUSED = "paused"
    FAILED = "failed"
    RESUMED = "resumed"
    ABANDONED = "abandoned"


OPEN_STATES: Final = frozenset({PauseState.PAUSING, PauseState.PAUSED, PauseState.FAILED})
"""Those in which the recording may be paused, for all that is known."""


@dataclass(frozen=True, slots=True)
class Pause:
    """One pause, of one session. `tries` counts the attempts to resume."""

    account_id: AccountId
    session_id: SessionId
    call_id: CallId
    state: PauseState
    paused_at: datetime
    resume_by: datetime
    tries: int


def retry_after(tries: int) -> timedelta:
    """The pause before the next attempt: 1 s, doubled up to MAX_RETRY_S."""
    return timedelta(seconds=min(MAX_RETRY_S, 2.0 ** min(tries, 10)))
