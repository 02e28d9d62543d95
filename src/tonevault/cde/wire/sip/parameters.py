"""The `;name=value` parameters of URIs and header values, in their order. Values are kept as written, quotes included."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from tonevault.cde.wire.sip.errors import SipParseError
from tonevault.cde.wire.sip.grammar import WHITESPACE, is_quoted, split_list, unquote
from tonevault.cde.wire.sip.reticent import Reticent

_PLAIN = re.compile(r"[^\x00-\x20\x7f\"<>,;]+\Z")
"""What an unquoted name or value may be made of: wider than `token`, as hosts, IPv6 and escaped text stand here too."""


@dataclass(frozen=True, slots=True, repr=False)
class Parameters(Reticent):
    """An immutable list of parameters. Names compare without case; of a repeated name the first counts. `name=` is let through."""

    items: tuple[tuple[str, str | None], ...] = ()

    def __post_init__(self) -> None:
        for name, value in self.items:
            if _PLAIN.match(name) is None or "=" in name:
                raise ValueError("parameter name: must be a token (RFC 3261 section 25.1, generic-param)")
            if value and _PLAIN.match(value) is None and not is_quoted(value):
                raise ValueError(
                    "parameter value: must be a token or a quoted string (RFC 3261 section 25.1)"
                )

    @classmethod
    def parse(cls, text: str, header: str) -> "Parameters":
        """From the text after the first semicolon: `branch=z9hG4bK1;rport`. An empty text has no parameters."""
        if not text:
            return NO_PARAMETERS
        pairs: list[tuple[str, str | None]] = []
        for piece in split_list(text, ";", header):
            name, equals, value = piece.partition("=")
            pairs.append((name.rstrip(WHITESPACE), value.lstrip(WHITESPACE) if equals else None))
        try:
            return cls(tuple(pairs))
        except ValueError as error:
            raise SipParseError(header, str(error)) from None

    def get(self, name: str) -> str | None:
        """The value as written; None when the parameter is absent, and "" when it stands without a value."""
        wanted = name.lower()
        for known, value in self.items:
            if known.lower() == wanted:
                return value or ""
        return None

    def get_unquoted(self, name: str) -> str | None:
        """The value with its quotes undone."""
        value = self.get(name)
        return None if value is None else unquote(value)

    def __contains__(self, name: str) -> bool:
        return self.get(name) is not None

    def __iter__(self) -> Iterator[tuple[str, str | None]]:
        return iter(self.items)

    def with_value(self, name: str, value: str | None) -> "Parameters":
        """The same with this parameter set, in its place or at the end; `None` sets it without a value."""
        wanted = name.lower()
        if name not in self:
            return Parameters((*self.items, (name, value)))
        return Parameters(
            tuple((known, value if known.lower() == wanted else old) for known, old in self.items)
        )

    def without(self, name: str) -> "Parameters":
        """The same without this parameter."""
        return Parameters(tuple(pair for pair in self.items if pair[0].lower() != name.lower()))

    def text(self) -> str:
        """The wire text, each parameter with its leading semicolon."""
        return "".join(f";{name}" if value is None else f";{name}={value}" for name, value in self.items)


NO_PARAMETERS = Parameters()
"""The empty list."""
