"""Presses as carriers tell of them, for tests: a row of keys, who missed which, and how late each was."""

from tonevault.cde.capture.press_row import PressRow
from tonevault.cde.capture.telling import Press, Telling
from tonevault.cde.media import Carrier
from tonevault.cde.sealed.key import Key
from tonevault.cde.sealed.warrant import event_code

KEYS = "0123456789*#ABCD"


def key(character: str) -> Key:
    return Key.from_character(ord(character))


def told(
    character: str, carrier: Carrier, onset: float, delay: float = 0.0, *, up_at: float = float("inf")
) -> Telling:
    """A press told `delay` seconds after the onset that its carrier dates it by, and known by then to be let go at `up_at`, if ever."""
    return Telling(key(character), carrier, onset, onset + delay, up_at)


def shown(presses: list[Press]) -> str:
    """The keys of a row, for comparison in a test."""
    return "".join(KEYS[event_code(press.key)] for press in presses)


def row_of(tellings: list[Telling], opened_at: float = 0.0) -> str:
    """The keys that a window makes of what it is told, in the order of the telling."""
    row = PressRow()
    row.open_window(opened_at)
    for each in sorted(tellings, key=lambda each: each.told_at):
        row.tell(each)
    return shown(row.presses)
