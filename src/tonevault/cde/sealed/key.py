"""One pressed key of the keypad, sealed. It tells what the capture must know (digit, confirm, clear) and not which digit."""

from tonevault.cde.sealed.seal import Sealed

STAR_EVENT = 10
POUND_EVENT = 11
LAST_EVENT = 15
"""RFC 4733 section 3.2: events 0–9 are the digits, 10 is `*`, 11 is `#`, 12–15 are A–D."""

_CHARACTERS = b"0123456789*#ABCD"


class Key(Sealed):
    """A key of the telephone keypad. Made from an RFC 4733 event code or an ASCII character; opened by `warrant.event_code`."""

    __slots__ = ("_code",)

    def __init__(self, code: int) -> None:
        if not 0 <= code <= LAST_EVENT:
            raise ValueError("key: RFC 4733 event codes of the keypad are 0 to 15")
        self._code = code

    @classmethod
    def from_event(cls, code: int) -> "Key":
        """From an RFC 4733 event code, 0 to 15."""
        return cls(code)

    @classmethod
    def from_character(cls, character: int) -> "Key":
        """From one ASCII byte (`0`–`9`, `*`, `#`, `A`–`D`, either case), as SIP INFO carries it."""
        code = _CHARACTERS.find(bytes((character,)).upper())
        if code < 0:
            raise ValueError("key: must be one of 0-9, *, #, A-D")
        return cls(code)

    @property
    def is_digit(self) -> bool:
        """Whether the key is one of 0 to 9."""
        return self._code < STAR_EVENT

    @property
    def is_clear(self) -> bool:
        """Whether the key is `*`, which empties the entry."""
        return self._code == STAR_EVENT

    @property
    def is_confirm(self) -> bool:
        """Whether the key is `#`, which confirms the entry."""
        return self._code == POUND_EVENT

    def matches(self, other: "Key") -> bool:
        """Whether both are the same key of the keypad: what reconciling two carriers of one press needs to ask."""
        return self._code == other._code  # noqa: SLF001 - the same class
