"""When the samples of a line were spoken, which has been given late audio, filled holes and several sources. It refuses to count samples
for time."""

from bisect import bisect_right
from collections import deque
from typing import Final

from tonevault.cde.wire.g711 import SAMPLE_RATE_HZ

MARKS: Final = 128
"""More than a second of packets of 10 ms: an ear tells of a tone within 0.1 s of its beginning."""

BLUR: Final = 40
"""5 ms: so exactly does an ear find a tone's beginning. If it seems to lie in a hole, just before a packet, it is the packet's."""


class LineTime:
    """Positions count the samples of a line from 0, at 8 kHz; times are monotonic seconds."""

    def __init__(self, now: float) -> None:
        self._marks: deque[tuple[int, float]] = deque([(0, now)], maxlen=MARKS)

    def mark(self, position: int, at: float) -> None:
        """The sample at `position`, which is beyond all marked before, was spoken at `at`."""
        if self._marks[-1][0] == position:
            self._marks.pop()
        self._marks.append((position, at))

    def when(self, position: int) -> float:
        """When the sample at `position` was spoken."""
        place = bisect_right(self._marks, position, key=lambda mark: mark[0])
        start, at = self._marks[max(place - 1, 0)]
        told = at + (position - start) / SAMPLE_RATE_HZ
        if place < len(self._marks) and self._marks[place][0] - position <= BLUR:
            start, at = self._marks[place]
            told = min(told, at + (position - start) / SAMPLE_RATE_HZ)
        return told
