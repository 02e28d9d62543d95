"""Concealment: a hole in a voice is filled with the voice's last period, and with nothing that was not the voice."""

import numpy as np
import pytest
from tests.e2e.peers.wav import key_tone, noise, silence, speech_like, tone

from tonevault.cde.wire.concealment import BEFORE, LONGEST, Concealment, Flags, Samples

FRAME = 160


def mended(
    spoken: Samples, lost: range, output: Samples | None = None, sizes: tuple[int, ...] = (FRAME,)
) -> Samples:
    """What is heard of a line that lets everything through, or gives `output`, when the samples of a range never came."""
    missing: Flags = np.zeros(len(spoken) + BEFORE, np.bool_)
    missing[lost.start : lost.stop] = True
    given = spoken.copy()
    given[missing[: len(given)]] = 0
    out = given.copy() if output is None else output
    concealment, pieces, at, turn = Concealment(), [], 0, 0
    while at < len(spoken):
        count = min(sizes[turn % len(sizes)], len(spoken) - at)
        end = at + count
        pieces.append(concealment.mend(given[at:end], out[at:end], missing[at : end + BEFORE]))
        at, turn = end, turn + 1
    return np.concatenate(pieces)


def level(samples: Samples) -> float:
    return float(np.sqrt(np.mean(samples.astype(float) ** 2)))


def test_without_a_hole_nothing_is_touched() -> None:
    voice = speech_like(0.5).samples
    assert (mended(voice, range(0)) == voice).all()


@pytest.mark.parametrize("sizes", [(160,), (80,), (37, 160, 5), (480,)])
def test_a_hole_in_a_vowel_sounds_on(sizes: tuple[int, ...]) -> None:
    voice = tone(160, 0.5).samples
    heard = mended(voice, range(2000, 2160), sizes=sizes)
    assert (heard[:2000] == voice[:2000]).all()
    assert (heard[2200:] == voice[2200:]).all()
    assert 0.7 * level(voice) < level(heard[2000:2080]) <= 1.05 * level(voice)
    products = np.correlate(heard[2000:2160].astype(float), voice[2000:2160].astype(float))
    assert products[0] > 0.7 * level(voice) ** 2 * 160


def test_what_is_made_up_does_not_depend_on_the_pieces_it_comes_in() -> None:
    voice = speech_like(0.5, seed=4).samples
    whole = mended(voice, range(1810, 2100), sizes=(4000,))
    for sizes in ((160,), (7, 80), (1, 240)):
        assert (mended(voice, range(1810, 2100), sizes=sizes) == whole).all()


def test_a_long_hole_fades_into_silence() -> None:
    heard = mended(tone(160, 0.5).samples, range(1600, 3200))
    steps = [level(heard[at : at + 80]) for at in range(1600, 2160, 80)]
    assert steps == sorted(steps, reverse=True)
    assert not heard[1600 + LONGEST : 3200].any()


def test_the_true_voice_comes_back_without_a_click() -> None:
    voice = tone(160, 0.5).samples
    heard = mended(voice, range(2000, 2160)).astype(int)
    assert abs(np.diff(heard[2100:2300])).max() < 1.6 * abs(np.diff(voice.astype(int))).max()


def test_what_the_mask_replaced_is_not_repeated() -> None:
    """The mask was closed over a key until 20 ms before the hole: nothing is made up from noise, key or beep."""
    spoken = noise(0.2, -60).then(key_tone("5", 0.1), noise(0.2, -60)).samples
    output = spoken.copy()
    output[1600:2400] = tone(520, 0.1).samples
    heard = mended(spoken, range(2560, 2720), output)
    assert (heard == output).all()


def test_a_hushed_customer_is_not_made_up() -> None:
    spoken = speech_like(0.5).samples
    output = silence(0.5).samples
    assert not mended(spoken, range(2000, 2160), output).any()


def test_a_hole_whose_beginning_the_mask_closed_is_made_up_from_before() -> None:
    """The mask takes 8 ms before a hole away, for they could be a key's beginning: they are not repeated."""
    spoken = tone(160, 0.5).samples.copy()
    spoken[1936:2000] = key_tone("9", 0.01).samples[5:69]
    output = spoken.copy()
    output[1936:2160] = 0
    heard = mended(spoken, range(2000, 2160), output)
    clean = tone(160, 0.5).samples.copy()
    clean_output = clean.copy()
    clean_output[1936:2160] = 0
    assert (heard[1936:2160] == mended(clean, range(2000, 2160), clean_output)[1936:2160]).all()
    assert level(heard[1960:2080]) > 0.7 * level(clean)


def test_a_beep_within_the_hole_still_sounds() -> None:
    spoken = silence(0.5).samples
    output = spoken.copy()
    output[1980:2400] = tone(520, 0.0525).samples
    heard = mended(spoken, range(2000, 2160), output)
    assert (heard[2000:2160] == output[2000:2160]).all()


def test_a_second_hole_at_once_makes_nothing_up_from_the_first() -> None:
    voice = tone(160, 0.5).samples
    missing = np.zeros(len(voice) + BEFORE, np.bool_)
    missing[2000:2160] = missing[2240:2400] = True
    given = np.where(missing[: len(voice)], 0, voice).astype(np.int16)
    concealment = Concealment()
    heard = concealment.mend(given, given.copy(), missing)
    assert heard[2000:2100].any()
    assert not heard[2240:2400].any()
