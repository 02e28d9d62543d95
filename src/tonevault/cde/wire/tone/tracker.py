"""The memory of the ear for one call: what rises, what sounds, what ended. Plain numbers in, reports out; it refuses signal arithmetic.

The ear gives it every window in order (`hear`). Where it answers with an Ask, the ear looks carefully and gives it the sight (`see`)
before the next window, or puts it off. So one loop can serve one call or, gathering the asks of many calls into one look, thousands.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from tonevault.cde.wire.tone.dtmf import key_at
from tonevault.cde.wire.tone.look import STRETCH
from tonevault.cde.wire.tone.report import ToneEnded, ToneReport, ToneStarted
from tonevault.cde.wire.tone.screen import HOP, WINDOW
from tonevault.cde.wire.tone.verdict import SHORTEST_TONE, Sight, Verdict, judge, sureness

HALF: Final = WINDOW // 2
"""A window sees an edge of a tone at half height when the edge is at its middle."""

FIRST_LOOK: Final = 100
"""The first window that looks like a key and is in tune ends 6 to 18 ms after the onset; 12.5 ms later the tone may be as old as a look can
accept."""

LOOK_EVERY: Final = 2 * HOP
"""5 ms between looks at a tone that is old enough but not clean enough."""

RECENT: Final = 7
"""Windows (17.5 ms) of which most must agree before what rises is taken for another key; noise and twist mislead single ones."""

PATIENCE: Final = 1600
"""200 ms: what has not become a key by then is looked at only every TIRED samples."""

TIRED: Final = 160

FADED: Final = 120
"""15 ms without a positive window: what rose is over or has a hole; it is looked at as it stands."""

GONE: Final = 220
"""27.5 ms without a positive window: no hole, not even a lost packet, lasts longer. What rose is forgotten."""

ENOUGH_WINDOWS: Final = 4
"""Positive windows that a tone of SHORTEST_TONE leaves even in noise; fewer are not worth a last look."""

SPLIT: Final = 220
"""27.5 ms. Q.24: a pause of 40 ms parts two digits, a hole of 10 ms does not; one lost packet (20 ms) should not either."""

PRESENT: Final = 0.2
"""Share of a tone's energy, in row and column both, at which it still sounds: −7 dB, below any dip of speech, above an echo at −10 dB."""


NO_KEY: Final = -1
"""The place of no key: what level A takes most windows for."""


@dataclass(frozen=True, slots=True, repr=False)
class Ask:
    """A careful look is wanted at the STRETCH samples before `end`, for the key at `place`, which sounded around `anchor` in them."""

    place: int
    end: int
    anchor: int


@dataclass(slots=True, repr=False)
class _Rising:
    """Windows that look like a key, not yet one: where the first and the last of them ended, and what the latest were taken for."""

    place: int
    first: int
    last: int
    look_at: int
    recent: deque[int]
    count: int = 1

    def rise(self, end: int, place: int) -> None:
        """One more window. What most of the latest take it for is what it is: a key may follow on talk that looked like another."""
        self.last = end
        self.count += 1
        self.recent.append(place)
        if self.recent.count(place) > RECENT // 2 and place != self.place:
            self.place, self.first, self.count = place, end, self.recent.count(place)
            self.look_at = min(self.look_at, end + HOP)


@dataclass(slots=True, repr=False)
class _Sounding:
    """A key that was reported and has not ended."""

    place: int
    onset: int
    row_energy: float
    column_energy: float
    last: int

    def present(self, tones: Sequence[float]) -> bool:
        """Whether both tones are still there."""
        row, column = divmod(self.place, 4)
        return tones[row] >= PRESENT * self.row_energy and tones[4 + column] >= PRESENT * self.column_energy


class Tracker:
    """Follows one call from window to window."""

    def __init__(self) -> None:
        self._rising: _Rising | None = None
        self._sounding: _Sounding | None = None
        self._silent_from = 0
        self._reports: list[ToneReport] = []

    @property
    def idle(self) -> bool:
        """Whether windows that level A takes for no key need not be given."""
        return self._rising is None and self._sounding is None

    @property
    def sounds_until(self) -> int | None:
        """While a reported key sounds: the end of the last window in which it was present."""
        return None if self._sounding is None else self._sounding.last

    def take_reports(self) -> list[ToneReport]:
        """The reports since the last call."""
        reports, self._reports = self._reports, []
        return reports

    def hear(self, end: int, place: int, tones: Sequence[float]) -> Ask | None:
        """Take the next window: where it ends, the key that level A takes it for or NO_KEY, and, while a reported key sounds, the energy at
        all eight tones. Where an Ask comes back, `see` or `put_off` must follow."""
        sounding = self._sounding
        if sounding is not None:
            if sounding.present(tones):
                sounding.last = end
            elif end - sounding.last >= SPLIT:
                self._end(sounding)
                sounding = None
        if place != NO_KEY and (sounding is None or place != sounding.place):
            self._rise(end, place)
        return self._ask(end)

    def put_off(self, ask: Ask) -> None:
        """Do not look now: the window that the ask came with is too far off any key's frequencies."""
        if self._rising is not None:
            self._rising.look_at = ask.end + HOP

    def see(self, ask: Ask, sight: Sight) -> None:
        """Take the look that was asked for."""
        rising = self._rising
        if rising is None:
            return
        if judge(sight) is Verdict.KEY:
            self._start(ask, sight)
        elif sight.sounding < SHORTEST_TONE:
            rising.look_at = max(ask.end + HOP, ask.end + SHORTEST_TONE - int(sight.sounding))
        else:
            rising.look_at = ask.end + (LOOK_EVERY if ask.end - rising.first < PATIENCE else TIRED)

    def _rise(self, end: int, place: int) -> None:
        if self._rising is None:
            self._rising = _Rising(place, end, end, end + FIRST_LOOK, recent=deque((place,), RECENT))
        else:
            self._rising.rise(end, place)

    def _ask(self, end: int) -> Ask | None:
        rising = self._rising
        if rising is None:
            return None
        silent = end - rising.last
        if silent >= GONE:
            self._rising = None
            return None
        if silent == FADED:
            if rising.count < ENOUGH_WINDOWS:
                return None
        elif silent != 0 or end < rising.look_at:
            return None
        return Ask(rising.place, end, STRETCH - silent - HALF)

    def _start(self, ask: Ask, sight: Sight) -> None:
        """Report a key. A key that still sounded ends where it was last present: the new one took its place."""
        if self._sounding is not None:
            self._end(self._sounding)
        self._rising = None
        row, column = divmod(ask.place, 4)
        onset = max(ask.end - STRETCH + round(sight.onset), self._silent_from)
        self._reports.append(ToneStarted(key_at(row, column), onset, sureness(sight)))
        ratio = 10 ** (sight.twist_db / 10)
        sounding = _Sounding(
            ask.place, onset, sight.power / (1 + ratio), sight.power * ratio / (1 + ratio), ask.end
        )
        if not sight.still_sounds:
            sounding.last = ask.end - STRETCH + round(sight.end) + HALF - HOP // 2
        self._sounding = sounding

    def _end(self, sounding: _Sounding) -> None:
        self._sounding = None
        self._silent_from = max(sounding.last - HALF + HOP // 2, sounding.onset)
        self._reports.append(ToneEnded(sounding.onset, self._silent_from))
