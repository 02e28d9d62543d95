"""Lines through the product's mask, many at once: as the agent hears them, or bare, with nothing in the place of what was taken out."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from tests.unit.cde.wire.tone.lines import Samples

from tonevault.cde.media import MaskMode
from tonevault.cde.wire.tone.beep import Beeper
from tonevault.cde.wire.tone.comfort_noise import ComfortNoise
from tonevault.cde.wire.tone.masking_bank import MaskingBank
from tonevault.cde.wire.tone.masking_line import MaskingLine
from tonevault.cde.wire.tone.report import ToneStarted

TOGETHER = 100
"""Lines masked in one pass; what comes out does not depend on it."""
PACKET = 160


class _Mute(Beeper):
    """A beeper that does not sound, so that what remains of a key is all there is to find."""

    def ring(self, at: int = 0) -> None:
        """Stay silent."""


class _Nothing(ComfortNoise):
    """Silence in place of comfort noise, in which a judge of single milliseconds would now and then see a tone."""

    def take(self, lines: NDArray[np.intp], count: int, power: NDArray[np.float64]) -> NDArray[np.float32]:
        """Samples of no power."""
        return super().take(lines, count, 0 * power)


@dataclass(frozen=True)
class Masked:
    """What came out of one line, as long as what went in; whether the line hushed itself by then; the keys that it reported."""

    output: Samples
    hushed: bool
    keys: int


def masked(inputs: Sequence[Samples], mode: MaskMode = MaskMode.TALK, *, bare: bool = True) -> list[Masked]:
    """Each through a line of its own, in packets of 20 ms."""
    found: list[Masked] = []
    for begin in range(0, len(inputs), TOGETHER):
        found += _together(inputs[begin : begin + TOGETHER], mode, bare=bare)
    return found


def _together(inputs: Sequence[Samples], mode: MaskMode, *, bare: bool) -> list[Masked]:
    count = len(inputs)
    bank = MaskingBank(count, beeper=_Mute, noise=_Nothing(count)) if bare else MaskingBank(count)
    lines = [MaskingLine(mode, bank=bank) for _ in inputs]
    places = [line.place for line in lines]
    longest = -(-max(len(each) for each in inputs) // PACKET) * PACKET
    padded = np.zeros((count, longest), np.int16)
    for row, each in zip(padded, inputs, strict=True):
        row[: len(each)] = each
    output = np.concatenate(
        [bank.push(places, padded[:, at : at + PACKET]) for at in range(0, longest, PACKET)], axis=1
    )
    return [
        Masked(
            row[: len(each)],
            line.hushed_by_noise,
            sum(isinstance(report, ToneStarted) for report in line.take_reports()),
        )
        for row, each, line in zip(output, inputs, lines, strict=True)
    ]
