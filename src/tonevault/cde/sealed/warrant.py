"""The only opener of sealed card data. Who imports this module is listed in the import contracts, one line a reader."""

from collections.abc import Iterator
from contextlib import contextmanager

from tonevault.cde.sealed.card_number import CardNumber
from tonevault.cde.sealed.key import Key
from tonevault.cde.sealed.security_code import SecurityCode

# ruff: noqa: SLF001 - opening the seal is this module's one task.


def event_code(key: Key) -> int:
    """The RFC 4733 event code of a key, 0 to 15: for the relay's control socket."""
    return key._code


@contextmanager
def open_number(number: CardNumber) -> Iterator[memoryview]:
    """The digits of a card number (ASCII), readable until the block ends; the view is released, no copy is made."""
    with memoryview(number._digits).toreadonly() as view:
        yield view


@contextmanager
def open_code(code: SecurityCode) -> Iterator[memoryview]:
    """The digits of a security code (ASCII), readable until the block ends; the view is released, no copy is made."""
    with memoryview(code._digits).toreadonly() as view:
        yield view
