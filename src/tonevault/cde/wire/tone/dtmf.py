"""The keypad of ITU-T Q.23: four row tones, four column tones, sixteen keys. It refuses to name a digit: keys are sealed."""

from typing import Final

from tonevault.cde.sealed.key import Key

ROW_HZ: Final = (697.0, 770.0, 852.0, 941.0)
"""Q.23 section 2: the low group, top row of the keypad first."""

COLUMN_HZ: Final = (1209.0, 1336.0, 1477.0, 1633.0)
"""Q.23 section 2: the high group, left column of the keypad first."""

EVENTS: Final = ((1, 2, 3, 12), (4, 5, 6, 13), (7, 8, 9, 14), (10, 0, 11, 15))
"""RFC 4733 section 3.2 event code of the key in each row and column: 10 is the star, 11 the pound, 12 to 15 are A to D."""

_PLACES: Final = {
    code: (row, column) for row, codes in enumerate(EVENTS) for column, code in enumerate(codes)
}


def key_at(row: int, column: int) -> Key:
    """The sealed key whose tones are `ROW_HZ[row]` and `COLUMN_HZ[column]`."""
    return Key.from_event(EVENTS[row][column])


def place_of(event: int) -> tuple[int, int]:
    """Row and column of an RFC 4733 event code, 0 to 15. Raises ValueError, which does not repeat the code."""
    place = _PLACES.get(event)
    if place is None:
        raise ValueError("event: keypad tones exist for RFC 4733 event codes 0 to 15")
    return place
