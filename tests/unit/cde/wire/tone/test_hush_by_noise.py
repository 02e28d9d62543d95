"""The line hushes itself where noise takes away what the mask promises: before a key can slip out, for as long as that lasts, and for noise
alone; and after a key that slipped out under anything else."""

import numpy as np
import pytest
from tests.unit.cde.wire.tone.lines import ALL_KEYS, Wave, keyed, speech, through, white
from tests.unit.cde.wire.tone.test_masking_line import leaked_ms, played

from tonevault.cde.media import MaskMode
from tonevault.cde.wire.g711 import Law
from tonevault.cde.wire.tone.beep import BEEP_SAMPLES, Beeper
from tonevault.cde.wire.tone.comfort_noise import NOISE
from tonevault.cde.wire.tone.level import power_of
from tonevault.cde.wire.tone.masking_line import MaskingLine
from tonevault.cde.wire.tone.report import ToneStarted

DELAY = MaskingLine.DELAY_SAMPLES
SETTLED = 16000
"""Two seconds: a line has to have heard noise for one and a half."""


class Mute(Beeper):
    """A beeper that does not sound."""

    def ring(self, at: int = 0) -> None:
        """Stay silent."""


def coloured(rng: np.random.Generator, length: int, level_dbm0: float, exponent: float) -> Wave:
    """Noise whose power falls with frequency to the exponent: 0 white, 1 pink, 2 brown as in a car; of the telephone band."""
    spectrum = np.fft.rfft(rng.standard_normal(length))
    hertz = np.fft.rfftfreq(length, 1 / 8000)
    spectrum[hertz < 200] = 0
    spectrum[hertz >= 200] *= hertz[hertz >= 200] ** (-exponent / 2)
    wave = np.fft.irfft(spectrum, length)
    return np.asarray(wave * np.sqrt(power_of(level_dbm0) / np.mean(wave**2)))


def babble(rng: np.random.Generator, seconds: float, level_dbm0: float, voices: int) -> Wave:
    """Many people talking at once: some few, each of them several times."""
    people = [speech(rng, seconds, -17) for _ in range(min(voices, 6))]
    wave = sum(
        (np.roll(people[each % len(people)], int(rng.integers(len(people[0])))) for each in range(voices)),
        np.zeros(len(people[0])),
    )
    return np.asarray(wave * np.sqrt(power_of(level_dbm0) / np.mean(wave**2)))


def music(seconds: float, level_dbm0: float, *, beat_s: float = 0.4) -> Wave:
    """Chords that are struck and fade, one after another, none of whose notes is a keypad tone."""
    time = np.arange(round(seconds * 8000)) / 8000
    wave = np.zeros(len(time))
    for number, root in enumerate((220.0, 174.6, 196.0, 261.6) * round(seconds / beat_s / 4 + 1)):
        since = time - number * beat_s
        struck = np.where(since >= 0, np.exp(-6 * np.maximum(since, 0)), 0)
        for ratio in (1, 1.26, 1.5, 2, 3):
            wave += struck * np.sin(2 * np.pi * root * ratio * since)
    return np.asarray(wave * np.sqrt(power_of(level_dbm0) / np.mean(wave**2)))


def organ(seconds: float, level_dbm0: float) -> Wave:
    """A chord that is held."""
    turn = 2 * np.pi * np.arange(round(seconds * 8000)) / 8000
    wave = sum((np.sin(turn * hertz) for hertz in (261.6, 329.6, 392.0, 523.3)), np.zeros(len(turn)))
    return np.asarray(wave * np.sqrt(power_of(level_dbm0) / np.mean(wave**2)))


def hushed(wave: Wave) -> bool:
    """Whether a line that has heard this is hushed."""
    line = MaskingLine(MaskMode.TALK)
    played(line, through(Law.ULAW, wave))
    return line.hushed_by_noise


@pytest.mark.parametrize("exponent", [0.0, 1.0, 2.0])
@pytest.mark.parametrize(("level_dbm0", "expected"), [(-45, False), (-33, False), (-28, True), (-15, True)])
def test_steady_noise_of_any_colour_hushes_from_30_dbm0(
    exponent: float, level_dbm0: float, *, expected: bool
) -> None:
    assert hushed(coloured(np.random.default_rng(1), SETTLED, level_dbm0, exponent)) is expected


@pytest.mark.parametrize("exponent", [0.0, 1.0, 2.0])
def test_whatever_its_level_noise_lets_no_key_out(exponent: float) -> None:
    """Keys of −20 dBm0, the quietest to be expected: either the line is hushed when they come, or they are masked."""
    tones, presses = keyed(ALL_KEYS, on_s=0.06, off_s=0.06, level_dbm0=-20, lead=SETTLED)
    levels = range(-44, -9, 2)
    lines = [
        through(Law.ALAW, tones + coloured(np.random.default_rng((7, -level)), len(tones), level, exponent))
        for level in levels
    ]
    masks = [MaskingLine(MaskMode.TALK, beeper=Mute(), noise=0 * NOISE) for _ in lines]
    before = [mask.push(each[:SETTLED]) for mask, each in zip(masks, lines, strict=True)]
    hushed_before = [mask.hushed_by_noise for mask in masks]
    after = [mask.push(each[SETTLED:]) for mask, each in zip(masks, lines, strict=True)]
    outputs = np.concatenate([before, after], axis=1)
    for level, was_hushed, output in zip(levels, hushed_before, outputs, strict=True):
        for press in presses:
            assert not output[press.onset + DELAY : press.end + DELAY].any(), (level, was_hushed, press.event)
    assert hushed_before == sorted(hushed_before)
    assert True in hushed_before


def test_while_hushed_nothing_but_beeps_comes_out_and_keys_are_counted() -> None:
    tones, presses = keyed(ALL_KEYS, on_s=0.1, off_s=0.1, level_dbm0=-14, lead=SETTLED)
    line = MaskingLine(MaskMode.TALK)
    noisy = through(Law.ULAW, tones + white(np.random.default_rng(3), len(tones), -24))
    played(line, noisy[:SETTLED])
    output = played(line, noisy[SETTLED:])
    assert line.hushed_by_noise
    assert sum(isinstance(report, ToneStarted) for report in line.take_reports()) == len(presses)
    assert np.count_nonzero(output) <= len(presses) * BEEP_SAMPLES


def test_between_the_two_levels_the_line_stays_as_it_is() -> None:
    rng = np.random.default_rng(4)
    line = MaskingLine(MaskMode.TALK)
    told = []
    for level in (-50, -31.5, -27, -31.5, -36, -31.5):
        played(line, through(Law.ULAW, white(rng, 2 * SETTLED, level)))
        told.append(line.hushed_by_noise)
    assert told == [False, False, True, True, False, False]


def test_noise_that_ends_lifts_the_hush_within_a_second_and_a_half() -> None:
    rng = np.random.default_rng(5)
    line = MaskingLine(MaskMode.TALK)
    played(line, through(Law.ULAW, white(rng, SETTLED, -20)))
    output = played(line, through(Law.ULAW, white(rng, 12000, -50)))
    assert not line.hushed_by_noise
    assert output[-160:].any()
    assert not output[:160].any()


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_people_talking_do_not_hush_a_line(seed: int) -> None:
    assert not hushed(speech(np.random.default_rng(seed), 20.0, -15))


def test_one_more_voice_on_a_good_line_does_not_either() -> None:
    assert not hushed(babble(np.random.default_rng(6), 12.0, -17, 2))


def test_a_crowd_that_never_pauses_does() -> None:
    assert hushed(babble(np.random.default_rng(7), 6.0, -20, 48))


def test_struck_music_does_not_hush_but_a_held_chord_does() -> None:
    assert not hushed(music(8.0, -20))
    assert hushed(organ(4.0, -20))
    assert not hushed(organ(4.0, -40))


def test_keys_over_music_are_masked_while_they_are_louder_than_it() -> None:
    tones, presses = keyed(ALL_KEYS, on_s=0.08, off_s=0.1, level_dbm0=-10, lead=SETTLED)
    mixed = through(Law.ULAW, tones + music(len(tones) / 8000, -25)[: len(tones)])
    line = MaskingLine(MaskMode.TALK)
    output = played(line, mixed)
    assert leaked_ms(tones, output, presses) == 0
    assert not line.hushed_by_noise


def test_a_key_that_slips_out_under_loud_music_is_the_last() -> None:
    """Where keys are as faint as what sounds beside them some get out before they are known; the first that is known to have hushes."""
    tones, presses = keyed(ALL_KEYS, on_s=0.3, off_s=0.2, level_dbm0=-20, lead=SETTLED)
    mixed = through(Law.ULAW, tones + music(len(tones) / 8000, -20)[: len(tones)])
    line = MaskingLine(MaskMode.TALK)
    output, hushed_at = [], None
    for at in range(0, len(mixed), 160):
        output.append(line.push(mixed[at : at + 160]))
        if hushed_at is None and line.hushed_by_noise:
            hushed_at = at
    assert hushed_at is not None
    later = [press for press in presses if press.onset > hushed_at]
    assert later
    assert leaked_ms(tones, np.concatenate(output), later) == 0


def test_lost_packets_do_not_pass_for_quiet() -> None:
    rng = np.random.default_rng(8)
    samples = through(Law.ULAW, white(rng, 4 * SETTLED, -24))
    line = MaskingLine(MaskMode.TALK)
    for at in range(0, len(samples), 160):
        line.push(np.zeros(160, np.int16) if rng.random() < 0.03 else samples[at : at + 160])
    assert line.hushed_by_noise


def test_a_caller_that_asked_for_hush_is_not_told_of_noise() -> None:
    line = MaskingLine(MaskMode.HUSH)
    played(line, through(Law.ULAW, white(np.random.default_rng(9), SETTLED, -20)))
    assert not line.hushed_by_noise
    line.set_mode(MaskMode.TALK)
    assert line.hushed_by_noise
