"""The sixteen keys of the telephone keypad: their tones (ITU-T Q.23) and their event codes (RFC 4733)."""

ROWS_HZ = (697.0, 770.0, 852.0, 941.0)
COLUMNS_HZ = (1209.0, 1336.0, 1477.0, 1633.0)

_LAYOUT = ("123A", "456B", "789C", "*0#D")

KEY_TONES_HZ: dict[str, tuple[float, float]] = {
    key: (ROWS_HZ[row], COLUMNS_HZ[column])
    for row, keys in enumerate(_LAYOUT)
    for column, key in enumerate(keys)
}

# RFC 4733 section 3.2, table 3: events 0 to 9, then star, hash, A to D.
EVENT_KEYS = "0123456789*#ABCD"
EVENT_CODES: dict[str, int] = {key: code for code, key in enumerate(EVENT_KEYS)}
