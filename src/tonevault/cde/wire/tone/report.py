"""What the ear says of a line: a keypad tone began, a keypad tone ended. Sample indices only; it refuses wall time."""

from dataclasses import dataclass

from tonevault.cde.sealed.key import Key


@dataclass(frozen=True, slots=True, eq=False)
class ToneStarted:
    """A key's tone is certain and still sounds. `onset` is the index of its first sample, counted from the first ever pushed; `sureness`,
    0.5 to 1, says how far within the ear's limits the tone lay: 1 where it met all that Q.24 asks of a sender, 0.5 at a limit."""

    key: Key
    onset: int
    sureness: float = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class ToneEnded:
    """The tone that began at `onset` sounds no more; `end` is the index after its last sample. Both are good to about 3 ms."""

    onset: int
    end: int


ToneReport = ToneStarted | ToneEnded
