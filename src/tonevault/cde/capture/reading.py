"""What a row of presses says: how many digits stand, and whether they are confirmed. It counts digits and does not look at them."""

from dataclasses import dataclass

from tonevault.boundary.captures import FieldName
from tonevault.cde.capture.telling import Press
from tonevault.cde.sealed.entry import CAPACITY, Entry


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """The digits since the last `*`, and the press that confirmed them, if any."""

    digits: tuple[Press, ...]
    confirmed_by: Press | None = None

    def entry(self) -> Entry:
        """The digits in memory that can be zeroed. More than an entry holds are left out: such a value is wrong whatever follows."""
        entry = Entry()
        for press in self.digits[:CAPACITY]:
            entry.append(press.key)
        return entry


def read(presses: list[Press], name: FieldName) -> Reading:
    """`*` clears, `#` confirms what stands, and is ignored where nothing does, as a customer's second `#` would else be an error.

    A card number of 19 digits confirms itself: no number is longer. Nothing shorter does, since a longer value might be meant.
    """
    digits: list[Press] = []
    for press in presses:
        if press.key.is_clear:
            digits.clear()
        elif press.key.is_digit:
            digits.append(press)
            if name is FieldName.CARD_NUMBER and len(digits) == CAPACITY:
                return Reading(tuple(digits), press)
        elif press.key.is_confirm and digits:
            return Reading(tuple(digits), press)
    return Reading(tuple(digits))
