"""The ear of one call: samples in; keys, and the stretches of the line that may hold a tone, out. It refuses to mask.

Level A is one call of the compiled loops for every slice (`c/hear.c`); the tracker, and level B for it, come in where that wants it.
"""

import ctypes
from ctypes import c_float, c_int8, c_int16, c_int32, c_int64, c_uint8
from dataclasses import dataclass
from typing import ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from tonevault.cde.wire.tone.kernel import EAR, address
from tonevault.cde.wire.tone.look import LOOK_TABLES, MEASURES, STRETCH, require_look
from tonevault.cde.wire.tone.report import ToneReport, ToneStarted
from tonevault.cde.wire.tone.screen import HOP, SCREEN_TABLES, require_screen
from tonevault.cde.wire.tone.suspicion import LAG, STEADY_WINDOWS, SUSPICION_LIMITS
from tonevault.cde.wire.tone.tracker import NO_KEY, Ask, Tracker
from tonevault.cde.wire.tone.verdict import Sight

SLICE: Final = 160
"""Most samples heard at once (20 ms): looks reach so far back, and the mask holds no more back than that."""

_WINDOWS: Final = SLICE // HOP
_Measures = c_float * MEASURES


class Memory(ctypes.Structure):
    """struct ear of c/ear.h: what is remembered of a call."""

    _fields_: ClassVar = [
        ("position", c_int64),
        ("low", c_float * STEADY_WINDOWS),
        ("waves", c_float * 16 * LAG),
        ("past", c_int16 * (STRETCH + SLICE)),
        ("follows", c_uint8),
    ]


class Glance(ctypes.Structure):
    """struct glance of c/ear.h: what level A tells of a slice."""

    _fields_: ClassVar = [
        ("first_end", c_int64),
        ("onset", c_int64),
        ("windows", c_int32),
        ("tonal", c_uint8 * _WINDOWS),
        ("mistuned", c_uint8 * _WINDOWS),
        ("key", c_int8 * _WINDOWS),
        ("tones", c_float * 8 * _WINDOWS),
    ]


@dataclass(frozen=True, slots=True)
class Hearing:
    """What came of one chunk.

    `tonal` holds where windows end (sample indices, in order) that may hold a tone: those that look like one at first glance, and those
    in which a reported key still sounds.
    """

    reports: list[ToneReport]
    tonal: list[int]


class Ear:
    """Hears one call. Raises CompiledError where the compiled loops are missing."""

    def __init__(self, memory: Memory | None = None, glance: Glance | None = None) -> None:
        """Its memory, all zero, and its glance may be parts of something greater."""
        require_screen()
        require_look()
        sizes = (ctypes.sizeof(SUSPICION_LIMITS), ctypes.sizeof(Memory), ctypes.sizeof(Glance))
        EAR.require("ear_fits", (SLICE, LAG, STEADY_WINDOWS, *sizes))
        self._memory = memory or Memory()
        self._glance = glance or Glance()
        self._tracker = Tracker()
        self._measures = _Measures()
        self._memory_at, self._glance_at = address(self._memory), address(self._glance)
        self._tables = (address(SCREEN_TABLES), address(SUSPICION_LIMITS), self._memory_at)
        self._hear = EAR.function("ear_hear", "ppppip")
        self._look = EAR.function("ear_look", "ppliip")

    @property
    def position(self) -> int:
        """Samples heard so far."""
        return int(self._memory.position)

    def hear(self, samples: NDArray[np.int16]) -> Hearing:
        """Take the next samples, any number."""
        hearing, glance = Hearing([], []), self._glance
        whole = np.ascontiguousarray(samples, np.int16)
        at = address(whole)
        for begin in range(0, len(whole), SLICE):
            count = min(SLICE, len(whole) - begin)
            if not self._hear(*self._tables, at + begin * whole.itemsize, count, self._glance_at):
                continue  # Nothing that may be a tone, and nothing that might be one goes on.
            hearing.reports.extend(self.follow())
            hearing.tonal.extend(
                glance.first_end + HOP * window for window, is_tonal in enumerate(glance.tonal) if is_tonal
            )
        return hearing

    def follow(self) -> list[ToneReport]:
        """Tell the tracker of a slice that was heard and of which it wants to be told. What it reports; the windows in which a reported
        key sounds are marked in the glance as tonal, and where the onset of one lies.

        What is out of tune begins no key, but one that rises or sounds may be disturbed.
        """
        glance, tracker = self._glance, self._tracker
        keys, mistuned, tones = glance.key[: glance.windows], glance.mistuned[:], glance.tones
        end = glance.first_end - HOP
        for window, key in enumerate(keys):
            end += HOP
            if (key == NO_KEY or mistuned[window]) and tracker.idle:
                continue
            ask = tracker.hear(end, key, tones[window] if tracker.sounds_until is not None else ())
            sounds = tracker.sounds_until == end
            if ask is not None and mistuned[window]:
                tracker.put_off(ask)
            elif ask is not None:
                tracker.see(ask, self._sight(ask))
                sounds = sounds or tracker.sounds_until == end
            if sounds:
                glance.tonal[window] = 1
        self._memory.follows = not tracker.idle
        reports = tracker.take_reports()
        onsets = [report.onset for report in reports if isinstance(report, ToneStarted)]
        if onsets:
            glance.onset = min(onsets)
        return reports

    def _sight(self, ask: Ask) -> Sight:
        """What an ask wanted to see: it ends within the slice, so all of it is remembered."""
        measures = ctypes.addressof(self._measures)
        self._look(address(LOOK_TABLES), self._memory_at, ask.end, ask.place, ask.anchor, measures)
        return Sight(*self._measures)
