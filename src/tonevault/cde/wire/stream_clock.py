"""When a source said what it sent: its RTP timestamps on our clock, whatever delayed the packets. It refuses to trust one arrival."""

from typing import Final

from tonevault.cde.wire.rtp import TIMESTAMP_MASK, timestamp_step

MEMORY_S: Final = 0.5
"""The quickest packet of the last 0.5 to 1 s in which packets flowed tells how the clocks stand. A stall ends in a burst, so it does
not move them; a route that became longer, or a phone that stopped its clock while it was mute, is learned in that time."""
FLOW_S: Final = 0.1
"""A pause between two packets counts for no more than this."""
BACKWARDS_S: Final = 5.0
"""A clock that seems to have stopped for so long has been set back: what was known of it is worth nothing."""

EARLY_S: Final = 0.1
"""A sender may tell an event's duration up to its next packet, and the quickest packet so far may not have been quick."""


class StreamClock:
    """One RTP clock of one source (RFC 3550 section 5.1). A packet can be late, never early: what it holds was over before it was sent, so
    the least delay seen is the best estimate of the distance between the clocks. Times are monotonic seconds."""

    __slots__ = ("_before", "_extended", "_flowed", "_heard_at", "_least", "_newest", "clock_rate")

    def __init__(self, clock_rate: int, end: int, now: float) -> None:
        """`end` is the timestamp at which the content of the first packet ends."""
        self.clock_rate = clock_rate
        self._start(end, now)

    def _start(self, end: int, now: float) -> None:
        self._newest = end
        self._extended = 0
        """The newest timestamp, counted on from the first so that it does not wrap."""
        self._least = self._before = self._heard_at = now
        self._flowed = 0.0

    def heard(self, end: int, now: float) -> None:
        """A packet came whose content ends at timestamp `end`."""
        step = timestamp_step(end, self._newest)
        if step > 0:
            self._newest, self._extended = end, self._extended + step
            step = 0
        delay = now - (self._extended + step) / self.clock_rate
        least, passed = self._least, now - self._heard_at
        if delay - (min(self._before, least)) > BACKWARDS_S:
            self._start(end, now)
            return
        self._flowed += min(FLOW_S, passed)
        self._heard_at = now
        if self._flowed > MEMORY_S:
            self._before, self._least = least, delay
            self._flowed = 0.0
        elif delay < least:
            self._least = delay

    def heard_next(self, start: int, units: int, now: float) -> float:
        """A packet came whose content begins at `start` and lasts so many units: as `heard`. The time of its `start`, as `when`."""
        if start != self._newest:
            self.heard((start + units) & TIMESTAMP_MASK, now)
            return self.when(start)
        least, before, passed = self._least, self._before, now - self._heard_at
        quickest = min(before, least)
        extended = self._extended + units
        delay = now - extended / self.clock_rate
        if delay - quickest > BACKWARDS_S:
            self._start((start + units) & TIMESTAMP_MASK, now)
            return self.when(start)
        self._newest, self._extended = (start + units) & TIMESTAMP_MASK, extended
        self._flowed += min(FLOW_S, passed)
        self._heard_at = now
        if self._flowed > MEMORY_S:
            self._before, self._least = least, delay
            self._flowed = 0.0
            quickest = min(delay, least)
        elif delay < least:
            self._least = delay
            quickest = min(before, delay)
        return quickest + (extended - units) / self.clock_rate

    def fits(self, end: int, now: float, backdated_s: float) -> bool:
        """Whether content that ends at timestamp `end`, and came now, is numbered by this clock, as far as can be told: it does not come
        before it was spoken, does not lie further behind the newest than `backdated_s`, and is not older than any stall."""
        behind = timestamp_step(end, self._newest) / self.clock_rate
        return behind >= -backdated_s and -EARLY_S <= now - self.when(end) <= BACKWARDS_S

    def when(self, timestamp: int) -> float:
        """The time that a timestamp stands for."""
        units = self._extended + timestamp_step(timestamp, self._newest)
        return (min(self._before, self._least)) + units / self.clock_rate
