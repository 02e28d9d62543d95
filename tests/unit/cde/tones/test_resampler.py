"""Rates brought to 8 kHz: tones keep level, place and pitch, what lies above is gone, and how it is cut into blocks changes nothing."""

import numpy as np
import pytest

from tonevault.cde.tones.resampler import Floats, Resampler

RATES = [8001, 11025, 16000, 22050, 44100, 48000, 192_000]


def tone(frequency: float, rate_hz: int, seconds: float = 0.5) -> Floats:
    return np.asarray(
        10000 * np.sin(2 * np.pi * frequency / rate_hz * np.arange(round(seconds * rate_hz))), np.float32
    )


def resampled(samples: Floats, rate_hz: int, block: int) -> Floats:
    resampler = Resampler(rate_hz)
    parts = [resampler.push(samples[at : at + block]) for at in range(0, len(samples), block)]
    return np.concatenate([*parts, resampler.finish()])


@pytest.mark.parametrize("rate_hz", RATES)
@pytest.mark.parametrize("frequency", [697.0, 1633.0, 3300.0])
def test_a_tone_stays_what_and_where_it_is(rate_hz: int, frequency: float) -> None:
    out = resampled(tone(frequency, rate_hz), rate_hz, rate_hz)
    assert abs(len(out) - 4000) <= 1
    middle = slice(400, 3600)
    assert np.abs(out[middle] - tone(frequency, 8000)[middle]).max() < 20


@pytest.mark.parametrize("rate_hz", [rate for rate in RATES if rate >= 16000])
def test_what_would_fold_onto_a_key_is_gone(rate_hz: int) -> None:
    out = resampled(tone(8000 - 1336, rate_hz), rate_hz, rate_hz)
    assert np.abs(out[400:3600]).max() < 10


@pytest.mark.parametrize("rate_hz", RATES)
@pytest.mark.parametrize("block", [1, 37, 1000])
def test_blocks_of_any_length_give_the_same(rate_hz: int, block: int) -> None:
    samples = tone(1000, rate_hz, 0.02)
    whole = resampled(samples, rate_hz, 1 << 20)
    np.testing.assert_allclose(resampled(samples, rate_hz, block), whole, atol=0.1)


def test_8_khz_is_left_alone() -> None:
    samples = tone(1000, 8000)
    assert resampled(samples, 8000, 100).tobytes() == samples.tobytes()


def test_a_rate_is_never_raised() -> None:
    with pytest.raises(ValueError, match="rate_hz"):
        Resampler(7999)
