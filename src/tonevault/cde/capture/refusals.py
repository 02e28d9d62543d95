"""What the capture refuses, with its code and the way out. No refusal repeats what was sent."""

from typing import Final

from tonevault.boundary.captures import CaptureRequest, FieldName
from tonevault.boundary.problems import SecureZoneError
from tonevault.cde.capture.model import Moment

NEEDED: Final = frozenset({FieldName.CARD_NUMBER, FieldName.EXPIRY})
"""No card can be vaulted without these."""


def not_found(what: str) -> SecureZoneError:
    """No such session, call, charge or token."""
    return SecureZoneError(404, "not_found", f"{what}: the secure zone knows none by this id")


def call_not_live() -> SecureZoneError:
    """The call is ringing, over, unknown, or another account's."""
    return SecureZoneError(
        409, "call_not_live", "call_id: no answered call of this account has this id; choose a live call"
    )


def session_in_progress() -> SecureZoneError:
    """One session at a time a call."""
    return SecureZoneError(
        409, "session_in_progress", "call_id: a session is open on this call; complete or cancel it first"
    )


def session_id_reused() -> SecureZoneError:
    """The id stands for a session that was opened with another request."""
    return SecureZoneError(
        409, "session_id_reused", "session_id: stands for another session; make a new id for a new session"
    )


def session_over() -> SecureZoneError:
    """The session takes no more commands."""
    return SecureZoneError(409, "session_over", "session_id: the session takes no more input; open a new one")


def field_unknown() -> SecureZoneError:
    """The session was opened without this field."""
    return SecureZoneError(
        422, "field_unknown", "field: the session was opened without it; name it in `fields` when opening"
    )


def fields_missing() -> SecureZoneError:
    """Complete comes after the last field."""
    return SecureZoneError(409, "fields_missing", "fields: capture every field before completing")


def correction_needed() -> SecureZoneError:
    """The charge was declined for its address."""
    return SecureZoneError(
        409, "correction_needed", "session_id: the address did not match; correct it and retry, or cancel"
    )


def nothing_to_correct() -> SecureZoneError:
    """Retry is for a charge that was declined for its address, while its session is open."""
    return SecureZoneError(
        409,
        "nothing_to_correct",
        "session_id: no charge of it waits for a better address; open a new session",
    )


def correction_missing() -> SecureZoneError:
    """A second run needs more than this."""
    return SecureZoneError(
        409,
        "fields_missing",
        "billing: give postal_code or address_line, or capture the postal code; capture the security code again "
        "or set without_security_code",
    )


def shutting_down() -> SecureZoneError:
    """The process is on its way out."""
    return SecureZoneError(
        503, "shutting_down", "the secure zone is stopping; try again when it is back in a moment"
    )


def check_request(request: CaptureRequest, at: Moment) -> None:
    """The rules of a request that no single field can tell. Raises SecureZoneError."""
    if not set(request.fields) >= NEEDED:
        raise SecureZoneError(
            422, "fields_insufficient", "fields: must contain card_number and expiry; a card needs both"
        )
    if len(set(request.fields)) != len(request.fields):
        raise SecureZoneError(422, "fields_repeated", "fields: name each field once")
    if (request.amount is None) is not (request.charge_id is None):
        raise SecureZoneError(422, "charge_id_missing", "charge_id: goes with amount; give both or neither")
    if request.expires_at.tzinfo is None:
        raise SecureZoneError(422, "expires_at_without_zone", "expires_at: must carry its zone; use UTC")
    if request.expires_at <= at.utc:
        raise SecureZoneError(422, "expires_at_past", "expires_at: must lie in the future")
