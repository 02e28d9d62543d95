"""Presses as carriers tell of them, for tests: a row of keys, who missed which, and how late each was."""

from dataclasses import dataclass

from tonevault.cde.capture.telling import Press, Telling
from tonevault.cde.media import Carrier
from tonevault.cde.sealed.key import Key
from tonevault.cde.sealed.warrant import event_code

KEYS = "0123456789*#ABCD"


def key(character: str) -> Key:
    return Key.from_character(ord(character))


@dataclass(frozen=True)
class Report:
    """A telling and the moment at which it reaches us."""

    telling: Telling
    at: float


def report(character: str, carrier: Carrier, onset: float, delay: float = 0.0) -> Report:
    return Report(Telling(key(character), carrier, onset), onset + delay)


def shown(presses: list[Press]) -> str:
    """The keys of a row, for comparison in a test."""
    return "".join(KEYS[event_code(press.key)] for press in presses)
