"""Ids in addresses, one for each kind of thing. What cannot be one is answered as a thing that is not there, and never repeated."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from tonevault.desk.refusal import not_found
from tonevault.kernel.ids import (
    API_KEY,
    CALL,
    CHARGE,
    CUSTOMER,
    EVENT,
    RECONCILIATION,
    REFUND,
    SCHEDULE,
    SESSION,
    SPLIT,
    TOKEN,
    ApiKeyId,
    CallId,
    ChargeId,
    CustomerId,
    EventId,
    OperationId,
    SessionId,
    TokenId,
    is_id,
)

Identity = TypeVar("Identity", bound=str)


@dataclass(frozen=True, slots=True)
class PathId(Generic[Identity]):
    """How the ids of a kind begin, and our word for it."""

    prefix: str
    word: str
    make: Callable[[str], Identity]

    def read(self, text: str) -> Identity:
        """The id. Raises Refusal 404 `not_found`."""
        if not is_id(text, self.prefix):
            raise not_found(self.word)
        return self.make(text)


API_KEY_ID: Final = PathId(API_KEY, "API key", ApiKeyId)
CALL_ID: Final = PathId(CALL, "call", CallId)
CHARGE_ID: Final = PathId(CHARGE, "charge", ChargeId)
CUSTOMER_ID: Final = PathId(CUSTOMER, "customer", CustomerId)
EVENT_ID: Final = PathId(EVENT, "event", EventId)
RECONCILIATION_ID: Final = PathId(RECONCILIATION, "reconciliation", str)
REFUND_ID: Final = PathId(REFUND, "refund", OperationId)
SCHEDULE_ID: Final = PathId(SCHEDULE, "schedule", str)
SESSION_ID: Final = PathId(SESSION, "session", SessionId)
SPLIT_ID: Final = PathId(SPLIT, "split", str)
TOKEN_ID: Final = PathId(TOKEN, "token", TokenId)
