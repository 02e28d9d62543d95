"""Keys in whole recordings: channels apart, in order, at any rate, in bounded memory, to the last sample."""

import io
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.unit.cde.tones.wav_writer import wav
from tests.unit.cde.wire.tone.lines import keyed

from tonevault.cde.sealed.key import Key
from tonevault.cde.tones.channel_ear import HeardKey
from tonevault.cde.tones.recording import listen
from tonevault.cde.tones.wav_format import Coding, WavFormat, read_format

Wave = NDArray[np.float64]


def keys_of(path: Path) -> list[HeardKey]:
    with path.open("rb") as file:
        return [key for heard in listen(file, read_format(file)) for key in heard.keys]


def upsampled(wave: Wave, rate_hz: int) -> Wave:
    """By spectrum: exact for a wave that fades at both ends."""
    spectrum = np.fft.rfft(wave)
    length = round(len(wave) * rate_hz / 8000)
    return np.asarray(np.fft.irfft(spectrum, length) * length / len(wave))


@pytest.mark.parametrize("rate_hz", [8000, 11025, 16000, 44100, 48000])
def test_what_when_and_how_long(tmp_path: Path, rate_hz: int) -> None:
    tones, presses = keyed((1, 2, 3, 10, 11, 0), on_s=0.08, off_s=0.1)
    keys = keys_of(wav(tmp_path / "a.wav", [upsampled(tones, rate_hz)], rate_hz=rate_hz))
    assert len(keys) == len(presses)
    for key, press in zip(keys, presses, strict=True):
        assert key.key.matches(Key.from_event(press.event))
        assert key.start_s == pytest.approx(press.onset / 8000, abs=0.003)
        assert key.end_s == pytest.approx(press.end / 8000, abs=0.004)
        assert key.sureness > 0.9


def test_channels_are_heard_apart_and_told_in_order(tmp_path: Path) -> None:
    left, _ = keyed((1, 1, 1, 1), on_s=0.06, off_s=0.5)
    right, _ = keyed((2, 2, 2), on_s=1.9, off_s=0.1)
    length = max(len(left), len(right))
    both = [np.pad(wave, (0, length - len(wave))) for wave in (left, right)]
    keys = keys_of(wav(tmp_path / "a.wav", both))
    starts = [key.start_s for key in keys]
    assert starts == sorted(starts)
    assert [key.channel for key in keys].count(1) == 4
    assert all(key.key.matches(Key.from_event(key.channel)) for key in keys)


def test_a_key_held_to_the_end_ends_there(tmp_path: Path) -> None:
    tones, (press,) = keyed((5,), on_s=0.5)
    (key,) = keys_of(wav(tmp_path / "a.wav", [tones[: press.onset + 2000]]))
    assert key.end_s == pytest.approx((press.onset + 2000) / 8000, abs=0.004)


def test_noise_makes_it_less_sure(tmp_path: Path) -> None:
    tones, _ = keyed((5, 6, 7, 8))
    noise = np.random.default_rng(1).standard_normal(len(tones)) * 2600
    quiet = keys_of(wav(tmp_path / "a.wav", [tones]))
    noisy = keys_of(wav(tmp_path / "b.wav", [tones + noise]))
    assert min(key.sureness for key in quiet) > 0.95
    assert 0.5 <= max(key.sureness for key in noisy) < 0.9


class _Endless(io.RawIOBase):
    """A file of as many octets of silence as are asked for, none of them kept."""

    def seek(self, offset: int, whence: int = 0) -> int:
        return offset

    def read(self, size: int = -1) -> bytes:
        return bytes(size)


def test_an_hour_takes_no_more_memory_than_a_minute() -> None:
    form = WavFormat(Coding.PCM, 16, 1, 8000, 44, 8000 * 600, cut_short=False)
    tracemalloc.start()
    seconds = len([heard.frames for heard in listen(_Endless(), form)])  # type: ignore[arg-type]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert seconds == 601
    assert peak < 3_000_000
