"""Until when something may be sent to the secure zone, and when its refusal is the last word. Pure."""

from datetime import datetime, timedelta
from typing import Final

from tonevault.boundary.problems import SecureZoneError
from tonevault.desk.refusal import is_definite

NOT_SENT: Final = "not_sent"
"""The secure zone was away so long that nobody waits any more; it never began, and no money moved."""
SEND_FOR: Final = timedelta(minutes=5)
"""What could not be sent is sent late only while somebody is still likely to wait for it. The secure zone itself refuses it after."""
ON_ITS_WAY: Final = timedelta(seconds=60)
"""The longest between the secure zone's look at its clock and its commit (a statement has 30 s there): what was begun at the last
moment, by way of another node, is seen by then."""


def begin_by(asked_at: datetime) -> datetime:
    """When the secure zone must have begun it."""
    return asked_at + SEND_FOR


def is_last_word(refused: SecureZoneError, asked_at: datetime, now: datetime) -> bool:
    """Whether a refusal tells that nothing was done, and never will be under this id.

    *Too late* does so only once no earlier request of the same id can be under way any more.
    """
    if refused.code == NOT_SENT:
        return now >= begin_by(asked_at) + ON_ITS_WAY
    return is_definite(refused)
