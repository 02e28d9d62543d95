"""Keys in a message body: the two MIME types of SIP INFO. A key goes from the byte straight into its seal and is never text."""

from typing import Final

from tonevault.cde.sealed.key import LAST_EVENT, Key

RELAY_TYPE: Final = "application/dtmf-relay"
"""`Signal=5` and `Duration=160` on lines of their own; Cisco's form, spoken by most trunks."""
PLAIN_TYPE: Final = "application/dtmf"
"""The key alone, as one character; some phones write it as the relay form does."""

MAX_BYTES: Final = 256
"""Two short lines; a longer body is not a key."""
MAX_DURATION_MS: Final = 10_000
"""Nobody holds a key longer; a greater claim counts as this."""

_SIGNAL: Final = b"signal"
_DURATION: Final = b"duration"
_BLANK: Final = b" \t\r\n"


def key_in(body: bytes) -> Key | None:
    """The key of a body of either type; None when there is none, more than one, or one that no keypad has (such as flash)."""
    if len(body) > MAX_BYTES:
        return None
    value = _field(body, _SIGNAL)
    if value is None:
        value = body.strip(_BLANK)
    return _key(value)


def duration_s(body: bytes) -> float:
    """How long the key was held by the sender's account, in seconds; 0.0 when it says nothing."""
    value = _field(body[:MAX_BYTES], _DURATION)
    if value is None or not 0 < len(value) <= 6 or not value.isdigit():
        return 0.0
    return min(int(value), MAX_DURATION_MS) / 1000


def _field(body: bytes, name: bytes) -> bytes | None:
    for row in body.splitlines():
        head, equals, value = row.partition(b"=")
        if equals and head.strip(_BLANK).lower() == name:
            return value.strip(_BLANK)
    return None


def _key(value: bytes) -> Key | None:
    """One character of the keypad, or an event code of two digits: some gateways write `10` for star and `11` for pound."""
    try:
        if len(value) == 1:
            return Key.from_character(value[0])
        if len(value) == 2 and value.isdigit() and 10 <= int(value) <= LAST_EVENT:
            return Key.from_event(int(value))
    except ValueError:
        pass
    return None
