"""The header fields of a message: found without case and by compact form, written out in their original spelling and order."""

from collections.abc import Iterator, Sequence

from tonevault.cde.wire.sip.grammar import is_token, split_list
from tonevault.cde.wire.sip.header_names import DISPLAY_NAMES, lookup_key
from tonevault.cde.wire.sip.reticent import Reticent


class Headers(Reticent):
    """A mutable list of (name, value). Values are text without line breaks; bytes that are not UTF-8 survive as surrogate escapes.

    Adding a name that is no token, or a value with a line break, raises ValueError: it would forge further headers.
    """

    __slots__ = ("_fields",)

    def __init__(self, items: Sequence[tuple[str, str]] = ()) -> None:
        self._fields: list[tuple[str, str, str]] = [_field(name, value) for name, value in items]

    def get(self, name: str) -> str | None:
        """The value of the first header of this name, as written; None when there is none."""
        key = lookup_key(name)
        for known, _, value in self._fields:
            if known == key:
                return value
        return None

    def get_all(self, name: str) -> list[str]:
        """The values of all headers of this name, in order; comma-separated lists are not taken apart."""
        key = lookup_key(name)
        return [value for known, _, value in self._fields if known == key]

    def get_list(self, name: str) -> list[str]:
        """All values of a comma-separated header (Via, Contact, Route, Allow, Supported, …), in order. Raises SipParseError."""
        shown = DISPLAY_NAMES.get(lookup_key(name), "list header")
        return [item for value in self.get_all(name) for item in split_list(value, ",", shown)]

    def has_option(self, name: str, option: str) -> bool:
        """Whether a list of tokens (Supported, Require, Allow, …) holds this one, in any case."""
        return option.lower() in (item.lower() for item in self.get_list(name))

    def add(self, name: str, value: str) -> None:
        """Append one header."""
        self._fields.append(_field(name, value))

    def prepend(self, name: str, value: str) -> None:
        """Put one header first: what a Via needs."""
        self._fields.insert(0, _field(name, value))

    def set(self, name: str, value: str) -> None:
        """Give a header one value, in the place of the first of that name or at the end; others of that name go."""
        field = _field(name, value)
        position = next(
            (index for index, known in enumerate(self._fields) if known[0] == field[0]), len(self._fields)
        )
        self.remove(name)
        self._fields.insert(position, field)

    def replace_first(self, name: str, value: str) -> None:
        """Give the first header of this name another value, leaving the rest: what stamping the top Via needs."""
        key = lookup_key(name)
        for index, (known, written, _) in enumerate(self._fields):
            if known == key:
                self._fields[index] = _field(written, value)
                return
        self.add(name, value)

    def remove(self, name: str) -> None:
        """Take out all headers of this name."""
        key = lookup_key(name)
        self._fields = [field for field in self._fields if field[0] != key]

    def items(self) -> list[tuple[str, str]]:
        """All headers as (name as written, value), in order."""
        return [(name, value) for _, name, value in self._fields]

    def count(self, name: str) -> int:
        """How many headers of this name there are."""
        key = lookup_key(name)
        return sum(1 for field in self._fields if field[0] == key)

    def copy(self) -> "Headers":
        """An independent copy."""
        other = Headers()
        other._fields = self._fields.copy()
        return other

    def __contains__(self, name: str) -> bool:
        return self.get(name) is not None

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self.items())

    def __len__(self) -> int:
        return len(self._fields)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Headers) and self.items() == other.items()

    __hash__ = None  # type: ignore[assignment]


def _field(name: str, value: str) -> tuple[str, str, str]:
    if not is_token(name):
        raise ValueError("header name: must be a token (RFC 3261 section 25.1, header-name)")
    if "\r" in value or "\n" in value:
        raise ValueError("header value: no line breaks (they would forge further headers)")
    return lookup_key(name), name, value.strip(" \t")
