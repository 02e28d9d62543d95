"""Parts of the compiled loops, each by itself, as the product calls them together: level A without trackers, one gate, one noise floor."""

import ctypes

import numpy as np
from numpy.typing import NDArray
from tests.unit.cde.wire.tone.lines import Samples

from tonevault.cde.wire.tone.comfort_noise import NOISE
from tonevault.cde.wire.tone.delay_line import mask_tables, new_passage
from tonevault.cde.wire.tone.ear import SLICE, Glance, Memory
from tonevault.cde.wire.tone.kernel import EAR, address
from tonevault.cde.wire.tone.screen import SCREEN_TABLES
from tonevault.cde.wire.tone.suspicion import SUSPICION_LIMITS


def suspected(samples: Samples) -> NDArray[np.bool_]:
    """Whether each window of a line, in order, may hold a tone at first glance; the first ends before sample 20."""
    memory, glance, found = Memory(), Glance(), []
    tables = (address(SCREEN_TABLES), address(SUSPICION_LIMITS), address(memory))
    for begin in range(0, len(samples), SLICE):
        piece = np.ascontiguousarray(samples[begin : begin + SLICE])
        EAR.function("ear_hear", "ppppip")(*tables, address(piece), len(piece), address(glance))
        found += glance.tonal[: glance.windows]
    return np.array(found, np.bool_)


class Line:
    """One delay line, by its parts."""

    def __init__(self) -> None:
        self._tables = mask_tables(NOISE)
        self._passage = new_passage(self._tables, hush=False)
        self._at = address(self._passage.line)

    def enter(self, count: int) -> None:
        """Samples enter the gate."""
        EAR.function("gate_enter", "pi")(self._at, count)

    def close(self, start: int, stop: int) -> None:
        """A stretch of the gate."""
        EAR.function("gate_close", "pll")(self._at, start, stop)

    def earliest(self) -> int:
        """The first position from which a stretch can still be closed whole."""
        earliest = ctypes.CDLL(str(EAR.path)).gate_earliest
        earliest.restype, earliest.argtypes = ctypes.c_int64, [ctypes.c_void_p]
        return int(earliest(self._at))

    def gain(self, count: int) -> NDArray[np.float32]:
        """Gain of the samples that left last."""
        gain = np.ones(count, np.float32)
        EAR.function("gate_gain", "ppip")(self._at, self._tables.ramp, count, address(gain))
        return gain

    def holds(self) -> bool:
        """Whether anything in the gate is closed, or fades."""
        return bool(EAR.function("gate_holds", "p")(self._at))

    def kept(self, start: int, stop: int) -> bool:
        """Whether all that is remembered of a stretch is closed."""
        return bool(EAR.function("gate_kept", "pll")(self._at, start, stop))

    def hear(self, samples: Samples) -> None:
        """Open audio, for the measure of its noise."""
        for begin in range(0, len(samples), SLICE):
            piece = np.ascontiguousarray(samples[begin : begin + SLICE])
            EAR.function("floor_hear", "ppi")(self._at, address(piece), len(piece))

    def floor(self) -> float:
        """Power of the pauses."""
        power = ctypes.CDLL(str(EAR.path)).floor_power
        power.restype, power.argtypes = ctypes.c_double, [ctypes.c_void_p, ctypes.c_void_p]
        return float(power(address(self._tables), self._at))

    def dip(self) -> float:
        """Power of the quietest pauses."""
        dip = ctypes.CDLL(str(EAR.path)).floor_dip
        dip.restype, dip.argtypes = ctypes.c_double, [ctypes.c_void_p]
        return float(dip(self._at))

    def steady(self) -> bool:
        """Whether all that is remembered is noise."""
        return bool(EAR.function("floor_steady", "pp")(address(self._tables), self._at))

    def noise(self, count: int) -> NDArray[np.float32]:
        """What stands in for samples that were taken out whole."""
        closed, wave = np.zeros(count, np.float32), np.zeros(count, np.float32)
        EAR.function("add_noise", "pppip")(
            address(self._tables), self._at, address(closed), count, address(wave)
        )
        return wave
