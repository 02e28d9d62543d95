"""Sound files of the softphone: 8 kHz mono, µ-law or 16 bit, read and written whole."""

import struct
import wave
from io import BytesIO
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tonevault.cde.wire.g711 import SAMPLE_RATE_HZ, ulaw_to_linear

MULAW_FORMAT: Final = 7
PCM_FORMAT: Final = 1
"""WAVE format tags of RFC 2361."""

Samples = NDArray[np.int16]
VOICES: Final = Path(__file__).parent / "voices"


class SoundFileError(ValueError):
    """The file is not 8 kHz mono in µ-law or 16 bit."""


def read_wav(path: Path) -> Samples:
    """Samples of a WAV file at 8 kHz, mono, µ-law or 16 bit PCM. Raises SoundFileError for another kind."""
    data = path.read_bytes()
    if data[:4] != b"RIFF" or data[8:12] != b"WAVE":
        raise SoundFileError(f"{path.name}: is not a WAV file")
    place, kind, samples = 12, 0, None
    while place + 8 <= len(data):
        name, size = struct.unpack_from("<4sI", data, place)
        chunk = data[place + 8 : place + 8 + size]
        if name == b"fmt ":
            kind, channels, rate = struct.unpack_from("<HHI", chunk)
            if channels != 1 or rate != SAMPLE_RATE_HZ:
                raise SoundFileError(f"{path.name}: must be mono at {SAMPLE_RATE_HZ} Hz")
        elif name == b"data":
            samples = chunk
        place += 8 + size + size % 2
    if samples is None or kind not in (MULAW_FORMAT, PCM_FORMAT):
        raise SoundFileError(f"{path.name}: must hold µ-law or 16 bit samples")
    return ulaw_to_linear(samples) if kind == MULAW_FORMAT else np.frombuffer(samples, "<i2").astype(np.int16)


def wav_bytes(samples: Samples) -> bytes:
    """A WAV file (8 kHz, mono, 16 bit) of the samples."""
    out = BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE_HZ)
        file.writeframes(samples.astype("<i2").tobytes())
    return out.getvalue()


def voice(name: str) -> Samples:
    """One of the two sentences that are shipped: `customer` or `agent`."""
    return read_wav(VOICES / f"{name}.wav")
