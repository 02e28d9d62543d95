"""Many masks in one pass: each lets out what it would let out alone, sample by sample, whatever the others do."""

import numpy as np
import pytest
from tests.unit.cde.wire.tone.lines import Samples
from tests.unit.cde.wire.tone.test_ear_bank import KINDS, LENGTH, line

from tonevault.cde.media import Carrier, MaskMode
from tonevault.cde.sealed.key import Key
from tonevault.cde.wire.tone.masking_bank import MaskingBank
from tonevault.cde.wire.tone.masking_line import MaskingLine

FRAMES = LENGTH // 160
CASES = [(kind, mode) for kind in KINDS for mode in MaskMode]


def with_holes(samples: Samples, seed: int) -> Samples:
    """With some packets that never came."""
    out = samples.copy()
    for frame in np.random.default_rng(seed).integers(0, FRAMES, 3):
        out[160 * frame : 160 * frame + 160] = 0
    return out


def disturb(mask: MaskingLine, case: int, frame: int) -> None:
    """What else happens to a line at a packet, different from line to line."""
    if case % 3 == 0 and frame in (20, 21, 22):
        mask.mute_residue()
    if case % 4 == 1 and frame == 30:
        mask.beep(Key.from_event(5), Carrier.EVENT)
    if case % 5 == 2 and frame == 40:
        mask.set_mode(MaskMode.HUSH if mask.mode is MaskMode.TALK else MaskMode.TALK)
    if case % 2 == 0 and frame == 60:
        mask.close()


def plain(mask: MaskingLine) -> list[tuple[str, int]]:
    """The reports of a line in a form that can be compared."""
    return [(type(report).__name__, report.onset) for report in mask.take_reports()]


def test_together_is_as_alone() -> None:
    lines = [with_holes(line(kind, 7), case) for case, (kind, _) in enumerate(CASES)]
    alone = [MaskingLine(mode) for _, mode in CASES]
    bank = MaskingBank(len(CASES))
    together = [MaskingLine(mode, bank=bank) for _, mode in CASES]
    rng = np.random.default_rng(1)
    for frame in range(FRAMES):
        pieces = np.stack([samples[160 * frame : 160 * frame + 160] for samples in lines])
        for case, masks in enumerate(zip(alone, together, strict=True)):
            for mask in masks:
                disturb(mask, case, frame)
        order = rng.permutation(len(CASES))
        out = bank.push([together[case].place for case in order], pieces[order])
        for row, case in enumerate(order):
            assert np.array_equal(out[row], alone[case].push(pieces[case])), (CASES[case], frame)
    for one, other in zip(alone, together, strict=True):
        assert (one.finished, one.hushed_by_noise, plain(one)) == (
            other.finished,
            other.hushed_by_noise,
            plain(other),
        )
    assert [mask.finished for mask in together].count(True) == len(CASES) // 2


def test_lines_of_a_bank_may_be_pushed_apart_and_out_of_step() -> None:
    bank = MaskingBank(2)
    one, other = (MaskingLine(MaskMode.TALK, bank=bank) for _ in range(2))
    alone = MaskingLine(MaskMode.TALK)
    keys = line("keys", 9)
    assert np.array_equal(one.push(keys[:330]), alone.push(keys[:330]))
    together = bank.push([one.place, other.place], np.stack([keys[330:3330], keys[:3000]]))
    assert np.array_equal(together[0], alone.push(keys[330:3330]))
    assert np.array_equal(together[1], MaskingLine(MaskMode.TALK).push(keys[:3000]))


def test_a_place_given_back_is_a_new_line() -> None:
    bank = MaskingBank(1)
    first = MaskingLine(MaskMode.HUSH, bank=bank)
    first.push(line("keys under talk", 3))
    first.close()
    with pytest.raises(IndexError):
        MaskingLine(MaskMode.TALK, bank=bank)
    first.release()
    assert bank.room == 1
    second = MaskingLine(MaskMode.TALK, bank=bank)
    samples = line("keys in noise", 4)
    assert np.array_equal(second.push(samples), MaskingLine(MaskMode.TALK).push(samples))
    assert not second.finished
