"""The ears of many calls in one pass: level A for all of them in a single matrix product, careful looks together for the few that are worth
it. It refuses to mask.

A call is a place in the bank. No call hears of another: a bank of two thousand tells of each what a bank of one would.
"""

from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tonevault.cde.wire.tone.look import STRETCH, look
from tonevault.cde.wire.tone.report import ToneReport
from tonevault.cde.wire.tone.screen import HOP, WINDOW, screen
from tonevault.cde.wire.tone.suspicion import Suspicion, outweighing
from tonevault.cde.wire.tone.tracker import NO_KEY, Ask, Tracker
from tonevault.cde.wire.tone.verdict import Sight

Ints = NDArray[np.intp]
Samples = NDArray[np.int16]
Bools = NDArray[np.bool_]

WORTH_A_LOOK: Final = 0.55
"""Share of the strongest pair, of what lies above the low band, from which level B looks. A pair 6 dB above white noise has 0.8."""


@dataclass(frozen=True, slots=True)
class Hearings:
    """What came of one chunk of each of some calls, by their places in what was pushed.

    `tonal` (calls, windows) tells which windows may hold a tone: those that look like one at first glance, and those in which a reported
    key still sounds. Window k of a call ends before sample `first_end` + k × HOP of it. `reports` has an entry for calls with any.
    """

    tonal: Bools
    first_end: Ints
    reports: dict[int, list[ToneReport]] = field(default_factory=dict)


class EarBank:
    """Hears up to `calls` calls."""

    def __init__(self, calls: int) -> None:
        self.positions: Ints = np.zeros(calls, np.intp)
        """Samples heard so far of each call."""
        self._past: Samples = np.zeros((calls, STRETCH), np.int16)
        self._suspicion = Suspicion(calls)
        self._trackers = [Tracker() for _ in range(calls)]
        self._busy: Bools = np.zeros(calls, np.bool_)
        """Calls whose trackers follow something."""

    def forget(self, call: int) -> None:
        """A new call begins in this place."""
        self.positions[call] = 0
        self._past[call] = 0
        self._suspicion.forget(call)
        self._trackers[call] = Tracker()
        self._busy[call] = False

    def hear(self, calls: Ints, samples: Samples) -> Hearings:
        """Take the next samples, (calls, any number), of calls that have all heard as many samples, or HOP and multiples of it more.

        Raises ValueError where they have not: their windows would not end together.
        """
        begin = self.positions[calls]
        count = samples.shape[1]
        phase = int(begin[0]) % HOP
        if (begin % HOP != phase).any():
            raise ValueError(f"calls: their positions must be alike modulo {HOP}; push the others apart")
        self.positions[calls] = begin + count
        lines = np.concatenate([self._past[calls], samples], axis=1)
        self._past[calls] = lines[:, -STRETCH:]
        first = STRETCH + HOP - phase - WINDOW
        whole = (phase + count) // HOP
        if not whole:
            return Hearings(np.zeros((len(calls), 0), np.bool_), begin)
        heard = lines[:, first : first + WINDOW + HOP * (whole - 1)].astype(np.float32)
        screening = screen(heard)
        worth = outweighing(screening, WORTH_A_LOOK)
        hearings = Hearings(np.zeros((len(calls), whole), np.bool_), begin - phase + HOP)
        suspect, tuned = self._suspicion.of(calls, screening, worth)
        hearings.tonal.ravel()[worth[suspect]] = True
        following = self._busy[calls]
        following[worth[tuned] // whole] = True
        followed = following.nonzero()[0]
        if len(followed):
            keys = np.full(len(calls) * whole, NO_KEY)
            keys[worth] = screening.keys(worth)
            mistuned = np.zeros(len(keys), np.bool_)
            mistuned[worth] = ~tuned
            rows = followed[:, None] * whole + np.arange(whole)
            seen = zip(*((what[rows].tolist()) for what in (keys, mistuned, screening.tones.T)), strict=True)
            followers = [
                _Follower(place, self._trackers[call], end, *windows)
                for place, call, end, windows in zip(
                    followed.tolist(),
                    calls[followed].tolist(),
                    hearings.first_end[followed].tolist(),
                    seen,
                    strict=True,
                )
            ]
            _follow(followers, _Lines(lines, begin))
            for follower, call in zip(followers, calls[followed].tolist(), strict=True):
                hearings.tonal[follower.place, follower.sounding] = True
                self._busy[call] = not follower.tracker.idle
                if reports := follower.tracker.take_reports():
                    hearings.reports[follower.place] = reports
        return hearings


@dataclass(slots=True)
class _Follower:
    """The windows of one call on their way through its tracker: what level A takes each for (a key or NO_KEY), whether its frequencies are
    too far off for that, and its energy at all tones. What is out of tune begins no key, but one that rises or sounds may be disturbed."""

    place: int
    tracker: Tracker
    first_end: int
    keys: list[int]
    mistuned: list[bool]
    tones: list[list[float]]
    window: int = 0
    sounding: list[int] = field(default_factory=list)
    """Windows in which a reported key sounds."""

    def go_on(self) -> Ask | None:
        """Up to the next window at which a look is wanted, after which `see` must be called, or to the end."""
        tracker = self.tracker
        for window in range(self.window, len(self.keys)):
            key = self.keys[window]
            if (key == NO_KEY or self.mistuned[window]) and tracker.idle:
                continue
            end = self.first_end + HOP * window
            ask = tracker.hear(end, key, self.tones[window])
            if tracker.sounds_until == end:
                self.sounding.append(window)
            if ask is None:
                continue
            if self.mistuned[window]:
                tracker.put_off(ask)
                continue
            self.window = window + 1
            return ask
        return None

    def see(self, ask: Ask, sight: Sight) -> None:
        """Take the look that was wanted."""
        self.tracker.see(ask, sight)
        if self.tracker.sounds_until == ask.end:
            self.sounding.append(self.window - 1)


def _follow(followers: list[_Follower], lines: "_Lines") -> None:
    """All of them to the end of their windows, the looks that they want on the way taken together."""
    while followers:
        asking = [(follower, ask) for follower in followers if (ask := follower.go_on()) is not None]
        if not asking:
            return
        followers = [follower for follower, _ in asking]
        sights = lines.look([follower.place for follower in followers], [ask for _, ask in asking])
        for (follower, ask), sight in zip(asking, sights, strict=True):
            follower.see(ask, sight)


@dataclass(frozen=True, slots=True)
class _Lines:
    """The samples that looks are taken at: (calls, STRETCH and what is new), and where in its call the new of each begins."""

    samples: Samples
    begin: Ints

    def look(self, places: list[int], asks: list[Ask]) -> list[Sight]:
        """What each ask wanted to see."""
        place = np.array(places)
        start = np.array([ask.end for ask in asks]) - self.begin[place]
        stretches = self.samples[place[:, None], start[:, None] + np.arange(STRETCH)].astype(np.float32)
        measured = look(
            stretches, np.array([ask.place for ask in asks]), np.array([ask.anchor for ask in asks])
        )
        return [Sight.of(measured, row) for row in range(len(asks))]
