"""The narrow interface as HTTP: its paths, its limits, and the two messages that no port carries. Shared by its server and its client."""

from typing import Annotated, Final

from pydantic import StrictBool, StringConstraints, TypeAdapter

from tonevault.boundary.calls import CallView
from tonevault.boundary.captures import FieldName
from tonevault.boundary.message import Message
from tonevault.kernel.ids import AccountId, CallId, ChargeId, OperationId, SessionId, TokenId

PREFIX: Final = "/boundary/v1"
HEALTH: Final = f"{PREFIX}/health"
CALLS: Final = f"{PREFIX}/calls"
CAPTURES: Final = f"{PREFIX}/captures"
CHARGES: Final = f"{PREFIX}/charges"
RECONCILIATIONS: Final = f"{PREFIX}/reconciliations"
OPERATIONS: Final = f"{PREFIX}/operations"
NOTICES: Final = f"{PREFIX}/notices"

NDJSON: Final = "application/x-ndjson"
"""The notice stream: one JSON object a line."""
PING_INTERVAL_S: Final = 5.0
"""A stream on which nothing happens says so this often."""
SILENCE_LIMIT_S: Final = 3 * PING_INTERVAL_S
"""A stream that is silent for longer is dead: two pings may be late, not three."""
ANSWER_LIMIT_S: Final = 60.0
"""The longest that a command takes: `complete` and `charge` wait for a gateway for up to 45 s, and answer then in any case."""
MAX_BODY_BYTES: Final = 8_192
"""The longest request is a CaptureRequest with a description of 200 characters, about 1.2 kB."""
MIN_TOKEN_CHARS: Final = 32
"""128 bits as hexadecimal digits: the least that the bearer token of either side may hold."""


class HushRequest(Message):
    """Mute the customer towards the agent during captures, or let both talk."""

    on: StrictBool


class Health(Message):
    """The secure zone answers."""

    status: Annotated[str, StringConstraints(pattern=r"^[a-z_]{1,20}$")] = "ok"


CALL_LIST: Final[TypeAdapter[list[CallView]]] = TypeAdapter(list[CallView])
"""The answer of GET CALLS."""


def hush_path(call_id: CallId) -> str:
    """POST a HushRequest."""
    return f"{CALLS}/{call_id}/hush"


def capture_path(session_id: SessionId) -> str:
    """GET a session; its commands are below."""
    return f"{CAPTURES}/{session_id}"


def start_field_path(session_id: SessionId, field: FieldName) -> str:
    """POST without a body."""
    return f"{CAPTURES}/{session_id}/fields/{field.value}/start"


def complete_path(session_id: SessionId) -> str:
    """POST without a body."""
    return f"{CAPTURES}/{session_id}/complete"


def retry_path(session_id: SessionId) -> str:
    """POST a CaptureRetry."""
    return f"{CAPTURES}/{session_id}/retry"


def cancel_path(session_id: SessionId) -> str:
    """POST without a body."""
    return f"{CAPTURES}/{session_id}/cancel"


def charge_path(account_id: AccountId, charge_id: ChargeId) -> str:
    """GET a charge."""
    return f"{PREFIX}/accounts/{account_id}/charges/{charge_id}"


def operation_path(account_id: AccountId, operation_id: OperationId) -> str:
    """GET a capture, void or refund."""
    return f"{PREFIX}/accounts/{account_id}/operations/{operation_id}"


def reconciliation_path(account_id: AccountId, reconciliation_id: str) -> str:
    """GET a comparison."""
    return f"{PREFIX}/accounts/{account_id}/reconciliations/{reconciliation_id}"


def differences_path(account_id: AccountId, reconciliation_id: str, after: int) -> str:
    """GET a page of what differs; the number is written as one letter a digit, for no path holds a digit."""
    return f"{reconciliation_path(account_id, reconciliation_id)}/differences/{to_letters(after)}"


def to_letters(number: int) -> str:
    """A count as letters: 0 is `a`, 12 is `bc`."""
    return "".join(chr(ord("a") + int(digit)) for digit in str(number))


def from_letters(letters: str) -> int:
    """What `to_letters` wrote."""
    return int("".join(str(ord(letter) - ord("a")) for letter in letters))


def token_path(account_id: AccountId, token_id: TokenId) -> str:
    """GET a token."""
    return f"{PREFIX}/accounts/{account_id}/tokens/{token_id}"


def revoke_path(account_id: AccountId, token_id: TokenId) -> str:
    """POST without a body."""
    return f"{token_path(account_id, token_id)}/revoke"
