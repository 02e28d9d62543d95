"""The header fields of a message: found without case and by compact form, written out in their original spelling and order."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeVar, cast

from tonevault.cde.wire.sip.grammar import is_token, split_list
from tonevault.cde.wire.sip.header_names import DISPLAY_NAMES, KNOWN_KEYS, lookup_key
from tonevault.cde.wire.sip.reticent import Reticent

T = TypeVar("T")


class Headers(Reticent):
    """A mutable list of (name, value). Values are text without line breaks; bytes that are not UTF-8 survive as surrogate escapes.

    Adding a name that is no token, or a value with a line break, raises ValueError: it would forge further headers. What was looked for is
    remembered until the headers change, since every layer of the core asks a message the same questions again.
    """

    __slots__ = ("_by_key", "_fields", "_read")

    def __init__(self, items: Sequence[tuple[str, str]] = ()) -> None:
        self._fields: list[tuple[str, str, str]] = [_field(name, value) for name, value in items]
        self._by_key: dict[str, list[str]] | None = None
        self._read: dict[tuple[str, object], object] = {}

    def get(self, name: str) -> str | None:
        """The value of the first header of this name, as written; None when there is none."""
        values = self._values().get(lookup_key(name))
        return values[0] if values else None

    def get_all(self, name: str) -> list[str]:
        """The values of all headers of this name, in order; comma-separated lists are not taken apart."""
        return [*self._values().get(lookup_key(name), ())]

    def get_list(self, name: str) -> list[str]:
        """All values of a comma-separated header (Via, Contact, Route, Allow, Supported, …), in order. Raises SipParseError.

        A header without a value adds none: `Supported:` and `Accept:` are written so (RFC 3261 section 25.1).
        """
        shown = DISPLAY_NAMES.get(lookup_key(name), "list header")
        return [item for value in self.get_all(name) if value for item in split_list(value, ",", shown)]

    def has_option(self, name: str, option: str) -> bool:
        """Whether a list of tokens (Supported, Require, Allow, …) holds this one, in any case."""
        return option.lower() in (item.lower() for item in self.get_list(name))

    def read(self, key: str, parse: Callable[["Headers"], T]) -> T:
        """What `parse` makes of the headers named `key` (in lower case), done once until one of them changes. No fault is remembered."""
        name = (key, parse)
        if name in self._read:
            return cast("T", self._read[name])
        value = parse(self)
        self._read[name] = value
        return value

    def know(self, key: str, parse: Callable[["Headers"], T], value: T) -> None:
        """Remember what `parse` would make of the headers as they stand, because they were written from it."""
        self._read[(key, parse)] = value

    def take(self, other: "Headers", name: str) -> None:
        """Append all headers of this name from another message, with what is known of them. None of that name may stand here yet."""
        key = lookup_key(name)
        self._fields += [(key, name, value) for value in other.get_all(name)]
        self._changed(key)
        for known, value in other._read.items():  # noqa: SLF001 - headers of the same class
            if known[0] == key:
                self._read[known] = value

    def repeated(self) -> list[str]:
        """The names, in lower case, of which there is more than one header."""
        return [key for key, values in self._values().items() if len(values) > 1]

    def add(self, name: str, value: str) -> None:
        """Append one header."""
        field = _field(name, value)
        self._fields.append(field)
        self._changed(field[0])

    def prepend(self, name: str, value: str) -> None:
        """Put one header first: what a Via needs."""
        field = _field(name, value)
        self._fields.insert(0, field)
        self._changed(field[0])

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
                self._changed(key)
                return
        self.add(name, value)

    def remove(self, name: str) -> None:
        """Take out all headers of this name."""
        key = lookup_key(name)
        self._fields = [field for field in self._fields if field[0] != key]
        self._changed(key)

    def items(self) -> list[tuple[str, str]]:
        """All headers as (name as written, value), in order."""
        return [(name, value) for _, name, value in self._fields]

    def keyed(self) -> list[tuple[str, str, str]]:
        """All headers as (name in lower case and in full, name as written, value), in order."""
        return [*self._fields]

    def count(self, name: str) -> int:
        """How many headers of this name there are."""
        return len(self._values().get(lookup_key(name), ()))

    def copy(self) -> "Headers":
        """An independent copy."""
        other = Headers()
        other._fields = self._fields.copy()
        other._by_key = self._by_key
        other._read = self._read.copy()
        return other

    def _values(self) -> Mapping[str, list[str]]:
        """The values by name. A table is never changed, only left behind, so that copies can share it."""
        if self._by_key is None:
            found: dict[str, list[str]] = {}
            for key, _, value in self._fields:
                found.setdefault(key, []).append(value)
            self._by_key = found
        return self._by_key

    def _changed(self, key: str) -> None:
        self._by_key = None
        if self._read:
            self._read = {name: value for name, value in self._read.items() if name[0] != key}

    def __contains__(self, name: str) -> bool:
        return lookup_key(name) in self._values()

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self.items())

    def __len__(self) -> int:
        return len(self._fields)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Headers) and self.items() == other.items()

    __hash__ = None  # type: ignore[assignment]


def _field(name: str, value: str) -> tuple[str, str, str]:
    key = KNOWN_KEYS.get(name)
    if key is None:
        if not is_token(name):
            raise ValueError("header name: must be a token (RFC 3261 section 25.1, header-name)")
        key = lookup_key(name)
    if "\r" in value or "\n" in value:
        raise ValueError("header value: no line breaks (they would forge further headers)")
    return key, name, value.strip(" \t")
