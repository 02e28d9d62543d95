"""The compiled loops: refused where they are missing or of another version, and never a step beyond their memory, whatever they are fed."""

from pathlib import Path

import numpy as np
import pytest
from tests.sanitised import WHOLE, run_sanitised

from tonevault.app.compiled_doctor import ear_findings, require
from tonevault.cde.media import Carrier, MaskMode
from tonevault.cde.sealed.key import Key
from tonevault.cde.wire.g711 import Law
from tonevault.cde.wire.tone import delay_line, kernel
from tonevault.cde.wire.tone.comfort_noise import NOISE
from tonevault.cde.wire.tone.look import STRETCH, look
from tonevault.cde.wire.tone.masking_line import MaskingLine
from tonevault.cde.wire.tone.screen import screen
from tonevault.kernel.compiled import Compiled, CompiledError
from tonevault.plumbing.settings import SettingsError

SOURCES = Path(kernel.__file__).parent / "c"


def test_without_the_library_nothing_starts_and_the_way_out_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    missing = Compiled(tmp_path / "libear.so", "the compiled loops of the ear")
    monkeypatch.setattr(delay_line, "EAR", missing)
    with pytest.raises(CompiledError, match=r"libear\.so, are missing .*scripts/setup"):
        MaskingLine(MaskMode.TALK)
    (finding,) = ear_findings()
    assert finding.is_fault
    assert "scripts/setup" in finding.way_out
    with pytest.raises(SettingsError):
        require(ear_findings())


def test_what_has_no_place_in_memory_is_refused() -> None:
    with pytest.raises(ValueError, match="one after another"):
        kernel.address(np.zeros((4, 4))[:, 1])
    with pytest.raises(ValueError, match="octets"):
        MaskingLine(MaskMode.TALK).carry(bytes(161), Law.ULAW, Law.ULAW)
    with pytest.raises(ValueError, match="noise"):
        MaskingLine(MaskMode.TALK, noise=NOISE[:100])
    with pytest.raises(ValueError, match="windows"):
        screen(np.zeros((1, 103), np.float32))
    with pytest.raises(ValueError, match="stretches"):
        look(np.zeros((2, STRETCH), np.float32), np.zeros(1, np.intp), np.zeros(2, np.intp))
    with pytest.raises(ValueError, match="keys"):
        look(np.zeros((1, STRETCH), np.float32), np.array([16]), np.zeros(1, np.intp))


def feed_anything() -> None:
    """All that a line and a look can be asked for, with the worst samples and lengths."""
    rng = np.random.default_rng(1)
    extremes = np.array([-32768, -1, 0, 1, 32767], np.int16)
    tones = np.sin(np.outer([697, 941, 1209, 1477], np.arange(40_000)) * np.pi / 4000).sum(axis=0)
    for mode in MaskMode:
        line, at = MaskingLine(mode), 0
        for turn in range(150):
            count = int(rng.choice([0, 1, 19, 20, 80, 159, 160, 161, 320, 999]))
            kind = turn // 10 % 4
            samples = (
                (8000 * tones[at : at + count]).astype(np.int16) if kind < 2 else rng.choice(extremes, count)
            )
            assert len(line.push(samples if kind < 3 else 0 * samples)) == len(samples)
            at = (at + count) % 30_000
            octets = rng.bytes(int(rng.integers(0, 161)))
            assert len(line.carry(octets, Law.ALAW, Law.ULAW)) == len(octets)
            match turn % 25:
                case 7:
                    line.mute_residue(int(rng.integers(0, 100_000)))
                case 11:
                    line.beep(Key.from_event(5), Carrier.EVENT)
                case 13:
                    line.set_mode(rng.choice(list(MaskMode)))
                case 17 if turn > 120:
                    line.close()
        line.wipe()
    anchors = rng.integers(-1000, 2000, 64)
    look(rng.choice(extremes, (64, STRETCH)).astype(np.float32), rng.integers(0, 16, 64), anchors)


def test_anything_at_all_stays_within_its_memory(tmp_path: Path) -> None:
    library = tmp_path / "libear.so"
    program = f"import {__name__} as this; this.kernel.EAR.path = this.Path({str(library)!r}); this.feed_anything(); print('whole')"
    assert run_sanitised(SOURCES, library, program) == WHOLE
