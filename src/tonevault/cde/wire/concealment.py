"""Voice in place of packets that never came: the last period of what was heard, repeated and faded (the idea of ITU-T G.711 appendix I). It
refuses to repeat anything but the customer's own voice as the mask let it through, so that no key sounds longer than it did.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from tonevault.cde.wire.g711 import SAMPLE_RATE_HZ

Samples = NDArray[np.int16]
Floats = NDArray[np.float32]
Flags = NDArray[np.bool_]

SHORTEST_PERIOD: Final = 40
LONGEST_PERIOD: Final = 120
"""G.711 appendix I section 2.4.1: voices have 66 to 200 periods a second."""
HISTORY: Final = 2 * LONGEST_PERIOD
"""30 ms: the last period and one before it are compared."""
STEADY: Final = SAMPLE_RATE_HZ // 100
LONGEST: Final = 6 * STEADY
"""G.711 appendix I section 2.7: the first 10 ms at full level, then a fade, and silence from 60 ms on: a longer sound is made up."""
BEFORE: Final = 80
"""10 ms before a hole the mask may take away what could be a key's beginning: the voice is made up from there on."""
BLEND: Final = 32
"""4 ms in which the made-up voice and the true one go over into each other."""


_ENTRY: Final = 16
"""2 ms: as fast as the mask takes the true voice away, the made-up one comes in."""
_IN: Final = np.linspace(0, 1, BLEND, endpoint=False, dtype=np.float32)


class Concealment:
    """One line. It sees what went into the mask and what came out: where they are the same, the mask was open, and no beep sounded."""

    def __init__(self) -> None:
        self._heard: Floats = np.zeros(HISTORY, np.float32)
        self._true = 0
        """How many of the last samples are the customer's voice and nothing else."""
        self._period: Floats = np.zeros(1, np.float32)
        self._age: int | None = None
        """Samples made up since the voice ended; None while it goes on."""
        self._lead = 0
        """Samples until the hole begins, whose voice the mask took away as well."""
        self._left: int | None = None
        """Samples left of the blend after the hole."""

    @property
    def is_idle(self) -> bool:
        """Whether nothing is made up at the moment."""
        return self._age is None

    def mend(self, spoken: Samples, output: Samples, missing: Flags) -> Samples:
        """Make up a voice for the samples of `output` that are missing.

        `spoken` is what went into the mask for the same samples. `missing` says which of them never came, and so of the BEFORE samples
        that follow: it is longer by these.
        """
        count = len(output)
        if self._age is None and not missing.any():
            self._listen(spoken, output)
            return output
        mended = output.astype(np.float32)
        at = 0
        while at < count:
            if self._age is None:
                at = self._await(at, spoken, output, missing)
            elif self._left is not None:
                at = self._blend(at, mended)
            else:
                at = self._make_up(at, missing, mended)
        return np.clip(np.rint(mended), -32768, 32767).astype(np.int16)

    def _listen(self, spoken: Samples, output: Samples) -> None:
        others = np.flatnonzero(spoken != output)
        self._true = len(output) - 1 - int(others[-1]) if len(others) else self._true + len(output)
        self._heard = np.concatenate([self._heard, output])[-HISTORY:].astype(np.float32)

    def _await(self, at: int, spoken: Samples, output: Samples, missing: Flags) -> int:
        """Listen until the voice ends, at a hole or where the mask closes before one. Where it has not been the customer's for long enough,
        nothing is made up."""
        count = len(output)
        holes = np.flatnonzero(missing[at:])
        hole = at + int(holes[0]) if len(holes) else count
        begin = min(hole, count)
        if len(holes):
            first = max(at, hole - BEFORE)
            closed = np.flatnonzero(spoken[first:begin] != output[first:begin])
            begin = first + int(closed[0]) if len(closed) else begin
        self._listen(spoken[at:begin], output[at:begin])
        if begin < count:
            self._age, self._lead = 0, hole - begin
            self._period = _last_period(self._heard) if self._true >= HISTORY else np.zeros(1, np.float32)
        return begin

    def _make_up(self, at: int, missing: Flags, mended: Floats) -> int:
        """Add the made-up voice, up to the end of the hole."""
        begin = at + self._lead
        back = np.flatnonzero(~missing[begin:])
        end = min(begin + int(back[0]) if len(back) else len(mended), len(mended))
        mended[at:end] += self._next(end - at)
        self._lead = max(begin - end, 0)
        if end < len(mended):
            self._left = BLEND
        return end

    def _blend(self, at: int, mended: Floats) -> int:
        """Go over into the true voice."""
        left = self._left or 0
        count = min(left, len(mended) - at)
        up = _IN[BLEND - left : BLEND - left + count]
        made_up = self._next(count)
        if made_up.any():
            mended[at : at + count] *= up
            mended[at : at + count] += made_up * (1 - up)
        self._left = left - count
        if self._left == 0:
            self._age = self._left = None
            self._true = 0
        return at + count

    def _next(self, count: int) -> Floats:
        age = np.arange(count) + (self._age or 0)
        self._age = (self._age or 0) + count
        gain = np.clip((LONGEST - age) / (LONGEST - STEADY), 0, 1) * np.minimum((age + 1) / _ENTRY, 1)
        return np.asarray(self._period[age % len(self._period)] * gain, np.float32)


def _last_period(heard: Floats) -> Floats:
    """The last period of a voice, its end led over into its beginning so that it repeats (G.711 appendix I sections 2.4 and 2.5)."""
    recent = heard[-LONGEST_PERIOD:]
    former = heard[: HISTORY - SHORTEST_PERIOD]
    power = np.concatenate([np.zeros(1, np.float32), np.cumsum(former * former, dtype=np.float32)])
    energy = power[LONGEST_PERIOD:] - power[:-LONGEST_PERIOD]
    likeness = np.correlate(former, recent, "valid") / np.sqrt(np.maximum(energy, 1.0))
    length = LONGEST_PERIOD - int(np.argmax(likeness))
    period = heard[-length:].copy()
    overlap = length // 4
    up = np.linspace(0, 1, overlap, endpoint=False, dtype=np.float32)
    period[-overlap:] = period[-overlap:] * (1 - up) + heard[-length - overlap : -length] * up
    return period
