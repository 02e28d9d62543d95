"""Lines through the product's mask: as the agent hears them, or bare, with nothing in the place of what was taken out."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from tests.unit.cde.wire.tone.lines import Samples

from tonevault.cde.media import MaskMode
from tonevault.cde.wire.tone.beep import Beeper
from tonevault.cde.wire.tone.comfort_noise import NOISE
from tonevault.cde.wire.tone.masking_line import MaskingLine
from tonevault.cde.wire.tone.report import ToneStarted

PACKET = 160


class _Mute(Beeper):
    """A beeper that does not sound, so that what remains of a key is all there is to find."""

    def ring(self, at: int = 0) -> None:
        """Stay silent."""


@dataclass(frozen=True)
class Masked:
    """What came out of one line, as long as what went in; whether the line hushed itself by then; the keys that it reported."""

    output: Samples
    hushed: bool
    keys: int


def masked(inputs: Sequence[Samples], mode: MaskMode = MaskMode.TALK, *, bare: bool = True) -> list[Masked]:
    """Each through a line of its own, in packets of 20 ms."""
    return [_masked(each, mode, bare=bare) for each in inputs]


def _masked(samples: Samples, mode: MaskMode, *, bare: bool) -> Masked:
    line = MaskingLine(mode, beeper=_Mute(), noise=0 * NOISE) if bare else MaskingLine(mode)
    padded = np.zeros(-(-len(samples) // PACKET) * PACKET, np.int16)
    padded[: len(samples)] = samples
    output = np.concatenate([line.push(padded[at : at + PACKET]) for at in range(0, len(padded), PACKET)])
    keys = sum(isinstance(report, ToneStarted) for report in line.take_reports())
    return Masked(output[: len(samples)], line.hushed_by_noise, keys)
