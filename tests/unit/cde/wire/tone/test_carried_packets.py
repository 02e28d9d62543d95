"""Packets of G.711 go through the mask by the short way as their samples do by the long one, whatever happens to the line."""

import numpy as np
import pytest
from tests.unit.cde.wire.tone.lines import Samples
from tests.unit.cde.wire.tone.test_ear import KINDS, LENGTH, line, plain

from tonevault.cde.media import Carrier, MaskMode
from tonevault.cde.sealed.key import Key
from tonevault.cde.wire.g711 import Law, decode, encode
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


@pytest.mark.parametrize("case", range(len(CASES)))
def test_the_short_way_is_the_long_way(case: int) -> None:
    kind, mode = CASES[case]
    law, law_out = (Law.ULAW, Law.ALAW)[:: 1 - case % 2 * 2]
    octets = encode(law, with_holes(line(kind, 7), case))
    short, long = MaskingLine(mode), MaskingLine(mode)
    at = frame = 0
    while at < len(octets):
        count = 160 if case % 3 else (80, 160, 33)[frame % 3]
        piece = octets[at : at + count]
        for mask in (short, long):
            disturb(mask, case, frame)
        carried, pushed = short.carry(piece, law, law_out), long.push(decode(law, piece))
        assert carried == encode(law_out, pushed), (kind, mode, frame)
        assert (short.finished, short.hushed_by_noise) == (long.finished, long.hushed_by_noise)
        at, frame = at + count, frame + 1
    assert [plain(report) for report in short.take_reports()] == [
        plain(report) for report in long.take_reports()
    ]
    assert short.finished is (case % 2 == 0)
    for of_short, of_long in zip(short.recent(), long.recent(), strict=True):
        assert np.array_equal(of_short, of_long)
