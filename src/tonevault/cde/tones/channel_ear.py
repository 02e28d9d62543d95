"""One channel of a recording, heard from its first sample to its last: whole presses come out. It refuses any rate but 8 kHz."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tonevault.cde.sealed.key import Key
from tonevault.cde.wire.g711 import SAMPLE_RATE_HZ
from tonevault.cde.wire.tone.detector import ToneDetector
from tonevault.cde.wire.tone.report import ToneReport, ToneStarted

AFTER_THE_END: Final = 400
"""50 ms of silence, by which a key that sounded to the end of the recording is certain to have ended."""


@dataclass(frozen=True, slots=True, eq=False)
class HeardKey:
    """A key press in a recording. `channel` counts from 1; times are seconds from the recording's start; `sureness` as of ToneStarted."""

    channel: int
    key: Key
    start_s: float
    end_s: float
    sureness: float


class ChannelEar:
    """Hears one channel."""

    def __init__(self, channel: int) -> None:
        self._channel = channel
        self._detector = ToneDetector()
        self._sounding: ToneStarted | None = None
        self._heard = 0

    @property
    def settled_s(self) -> float:
        """Every press that began before this has been given out."""
        at = self._heard - AFTER_THE_END if self._sounding is None else self._sounding.onset
        return at / SAMPLE_RATE_HZ

    def hear(self, samples: NDArray[np.float32]) -> list[HeardKey]:
        """Take samples in 16-bit units; give back the presses that ended."""
        self._heard += len(samples)
        return self._pressed(self._detector.push(_rounded(samples)))

    def finish(self) -> list[HeardKey]:
        """The recording ends here."""
        length = self._heard
        pressed = self._pressed(self._detector.push(np.zeros(AFTER_THE_END, np.int16)))
        end_s = length / SAMPLE_RATE_HZ
        return [
            HeardKey(each.channel, each.key, each.start_s, min(each.end_s, end_s), each.sureness)
            for each in pressed
        ]

    def _pressed(self, reports: list[ToneReport]) -> list[HeardKey]:
        pressed = []
        for report in reports:
            if isinstance(report, ToneStarted):
                self._sounding = report
            elif self._sounding is not None:
                start = self._sounding
                pressed.append(
                    HeardKey(
                        self._channel,
                        start.key,
                        start.onset / SAMPLE_RATE_HZ,
                        report.end / SAMPLE_RATE_HZ,
                        start.sureness,
                    )
                )
                self._sounding = None
        return pressed


def _rounded(samples: NDArray[np.float32]) -> NDArray[np.int16]:
    return np.clip(np.rint(samples), -32768, 32767).astype(np.int16)
