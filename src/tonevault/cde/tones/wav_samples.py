"""The samples of a WAV file as linear floats, a block at a time. It refuses to hold a whole file in memory."""

from collections.abc import Iterator
from typing import BinaryIO, Final

import numpy as np
from numpy.typing import NDArray

from tonevault.cde.tones.wav_format import Coding, WavFormat
from tonevault.cde.wire.g711 import Law, decode

Floats = NDArray[np.float32]

BLOCK_S: Final = 1
"""Seconds read at once: long enough that the arithmetic outweighs the reading, short enough for 30 MB at 192 kHz."""


def blocks(file: BinaryIO, form: WavFormat) -> Iterator[Floats]:
    """The samples, (channels, frames) in 16-bit units, BLOCK_S at a time. A file that shrinks meanwhile ends early."""
    file.seek(form.data_begin)
    left = form.frames
    while left > 0:
        count = min(left, BLOCK_S * form.rate_hz)
        octets = file.read(count * form.frame_octets)
        count = len(octets) // form.frame_octets
        if not count:
            return
        left -= count
        frames = linear(form, octets[: count * form.frame_octets]).reshape(count, form.channels)
        yield np.ascontiguousarray(frames.T)


def linear(form: WavFormat, octets: bytes) -> Floats:
    """Whole samples as floats, full scale at ±32,768."""
    match form.coding, form.bits:
        case Coding.ALAW, _:
            return decode(Law.ALAW, octets).astype(np.float32)
        case Coding.ULAW, _:
            return decode(Law.ULAW, octets).astype(np.float32)
        case Coding.FLOAT, bits:
            return _bounded(np.frombuffer(octets, "<f4" if bits == 32 else "<f8"))
        case Coding.PCM, 8:
            # 8-bit PCM, alone of all, is unsigned.
            return (np.frombuffer(octets, np.uint8).astype(np.float32) - 128) * np.float32(256)
        case Coding.PCM, 16:
            return np.frombuffer(octets, "<i2").astype(np.float32)
        case Coding.PCM, 24:
            wide = np.zeros((len(octets) // 3, 4), np.uint8)
            wide[:, 1:] = np.frombuffer(octets, np.uint8).reshape(-1, 3)
            return wide.view("<i4")[:, 0].astype(np.float32) / np.float32(65536)
        case _:
            return np.frombuffer(octets, "<i4").astype(np.float32) / np.float32(65536)


def _bounded(values: NDArray[np.floating]) -> Floats:
    """Float samples have a full scale of ±1; what a damaged file holds beyond reason is taken for silence or clipped."""
    return np.asarray(np.clip(np.nan_to_num(values, posinf=0, neginf=0), -1, 1) * 32767, np.float32)
