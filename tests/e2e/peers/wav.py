"""Sound for the peers: 8 kHz mono, as samples and as WAV files; makes silence, tones, keypad tones and speech-like sound."""

import struct
import wave
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tests.e2e.peers.g711 import Pcm
from tests.e2e.peers.keypad import KEY_TONES_HZ

RATE_HZ = 8000

# A full-scale sine in G.711 mu-law is +3.17 dBm0 (ITU-T G.711); 16-bit samples reach it at about 32124.
FULL_SCALE_DBM0 = 3.17
FULL_SCALE_PEAK = 32124.0

Signal = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Sound:
    """Mono sound at 8 kHz as 16-bit samples."""

    samples: Pcm

    @property
    def length_s(self) -> float:
        return len(self.samples) / RATE_HZ

    def between(self, start_s: float, end_s: float) -> "Sound":
        """The part from `start_s` to `end_s`, in seconds from the beginning."""
        return Sound(self.samples[max(0, round(start_s * RATE_HZ)) : max(0, round(end_s * RATE_HZ))])

    def then(self, *others: "Sound") -> "Sound":
        """This sound followed by others."""
        return Sound(np.concatenate([self.samples, *(other.samples for other in others)]))

    def mixed_with(self, other: "Sound") -> "Sound":
        """Both at once, as long as the longer one; clipped at full scale."""
        total = np.zeros(max(len(self.samples), len(other.samples)))
        total[: len(self.samples)] += self.samples
        total[: len(other.samples)] += other.samples
        return from_signal(total)

    def save(self, path: Path, rate_hz: int = RATE_HZ) -> Path:
        """As a WAV, at a rate above 8 kHz with nothing beyond 4 kHz."""
        with wave.open(str(path), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(rate_hz)
            file.writeframes(_at_rate(self.samples, rate_hz).astype("<i2").tobytes())
        return path


def from_signal(signal: Signal) -> Sound:
    """Rounds and clips sample values to 16 bits."""
    return Sound(np.clip(np.round(signal), -32768, 32767).astype(np.int16))


def _at_rate(samples: Pcm, rate_hz: int) -> Pcm:
    """The same sound at another rate: its spectrum, with more of nothing above it."""
    if rate_hz == RATE_HZ:
        return samples
    count = len(samples) * rate_hz // RATE_HZ
    return from_signal(np.fft.irfft(np.fft.rfft(samples.astype(float)), count) * count / len(samples)).samples


def load(path: Path) -> Sound:
    """Reads a WAV of 16-bit mono at 8 kHz, also one that is still being written.

    A recorder fills in the lengths of its header only when it closes the file, so the samples are taken
    from the data chunk to the end of the file, whatever the header says.
    """
    raw = path.read_bytes()
    at = 12
    while at + 8 <= len(raw):
        name, size = raw[at : at + 4], struct.unpack_from("<I", raw, at + 4)[0]
        if name == b"fmt ":
            channels, rate = struct.unpack_from("<HI", raw, at + 10)
            bits = struct.unpack_from("<H", raw, at + 22)[0]
            if (channels, rate, bits) != (1, RATE_HZ, 16):
                raise ValueError(f"{path.name} must be mono, 8000 Hz, 16 bits")
        if name == b"data":
            body = raw[at + 8 :]
            return Sound(np.frombuffer(body[: len(body) // 2 * 2], dtype="<i2").astype(np.int16))
        at += 8 + size + size % 2
    return Sound(np.zeros(0, dtype=np.int16))


def _peak(level_dbm0: float) -> float:
    return float(FULL_SCALE_PEAK * 10 ** ((level_dbm0 - FULL_SCALE_DBM0) / 20))


def _times(length_s: float) -> Signal:
    return np.arange(round(length_s * RATE_HZ)) / RATE_HZ


def silence(length_s: float) -> Sound:
    return Sound(np.zeros(round(length_s * RATE_HZ), dtype=np.int16))


def tone(frequency_hz: float, length_s: float, level_dbm0: float = -10.0) -> Sound:
    """One sine."""
    return from_signal(_peak(level_dbm0) * np.sin(2 * np.pi * frequency_hz * _times(length_s)))


def noise(length_s: float, level_dbm0: float = -60.0, seed: int = 1) -> Sound:
    """White noise of the given level."""
    spread = _peak(level_dbm0) / np.sqrt(2)
    return from_signal(np.random.default_rng(seed).normal(0, spread, round(length_s * RATE_HZ)))


def key_tone(key: str, length_s: float = 0.08, level_dbm0: float = -9.0, twist_db: float = 0.0) -> Sound:
    """The two tones of one key, each at `level_dbm0`; the high one louder by `twist_db`."""
    low_hz, high_hz = KEY_TONES_HZ[key]
    times = _times(length_s)
    low = _peak(level_dbm0) * np.sin(2 * np.pi * low_hz * times)
    high = _peak(level_dbm0 + twist_db) * np.sin(2 * np.pi * high_hz * times)
    return from_signal(low + high)


def keyed(keys: str, tone_s: float = 0.08, gap_s: float = 0.08, level_dbm0: float = -9.0) -> Sound:
    """Keys pressed one after the other, as audible tones, each followed by a gap."""
    parts = [part for key in keys for part in (key_tone(key, tone_s, level_dbm0), silence(gap_s))]
    return silence(0).then(*parts)


def speech_like(length_s: float, level_dbm0: float = -18.0, seed: int = 1) -> Sound:
    """A voice without words: gliding pitch, three moving formants, syllables four a second, breath noise.

    Its power spectrum and rhythm are speech's, so a masker, a gate or a tone detector has the same work with
    it as with a caller; being made from a seed it is the same in every run.
    """
    rng = np.random.default_rng(seed)
    times = _times(length_s)
    if not len(times):
        return silence(0)
    knots = np.arange(0, length_s + 0.5, 0.25)
    pitch_hz = np.interp(times, knots, rng.uniform(95, 220, len(knots)))
    phase = 2 * np.pi * np.cumsum(pitch_hz) / RATE_HZ
    formants = [
        (np.interp(times, knots, rng.uniform(low, high, len(knots))), width)
        for low, high, width in ((300, 800, 90), (900, 2000, 120), (2200, 3000, 160))
    ]
    voice = np.zeros(len(times))
    for harmonic in range(1, 36):
        at_hz = harmonic * pitch_hz
        gain = sum(1 / (1 + ((at_hz - centre) / width) ** 2) for centre, width in formants) / harmonic**0.5
        voice += np.where(at_hz < 3600, gain, 0) * np.sin(harmonic * phase)
    voice += 0.05 * rng.normal(0, 1, len(times))
    stress = np.interp(times, knots, rng.uniform(0.2, 1.0, len(knots)))
    voice *= stress * (0.5 - 0.5 * np.cos(2 * np.pi * 4 * times))
    loudness = float(np.sqrt(np.mean(voice**2))) or 1.0
    return from_signal(voice / loudness * _peak(level_dbm0) / np.sqrt(2))
