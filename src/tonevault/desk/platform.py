"""Port to the contact-centre platform: pause a call's recording and resume it. Adapters live in platforms/, one a file."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from tonevault.kernel.ids import AccountId, CallId, SessionId


@dataclass(frozen=True, slots=True)
class RecordedCall:
    """The call whose recording is meant. `resume_by` tells a platform that can resume by itself when to do so."""

    account_id: AccountId
    call_id: CallId
    session_id: SessionId
    resume_by: datetime


class PlatformError(Exception):
    """The platform refused or did not answer. Whether it acted is not known; both verbs may be sent again."""


class Platform(Protocol):
    """Both verbs are idempotent, and raise PlatformError."""

    @property
    def records(self) -> bool:
        """Whether there is any recording to pause."""

    async def pause_recording(self, call: RecordedCall) -> None:
        """Stop recording the call."""

    async def resume_recording(self, call: RecordedCall) -> None:
        """Go on recording the call; harmless when it has ended."""
