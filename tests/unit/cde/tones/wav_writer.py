"""WAV files as recorders write them, octet by octet, good and bad."""

import struct
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tonevault.cde.wire.g711 import Law, encode

GUID_TAIL = bytes.fromhex("000000001000800000aa00389b71")


def coded(tag: int, bits: int, samples: NDArray[np.float64]) -> bytes:
    """Samples of ±32,768, interleaved already, in a coding."""
    whole = np.clip(np.rint(samples), -32768, 32767).astype(np.int16)
    match tag, bits:
        case 6, _:
            return encode(Law.ALAW, whole)
        case 7, _:
            return encode(Law.ULAW, whole)
        case 3, _:
            return (samples / 32768).astype(f"<f{bits // 8}").tobytes()
        case _, 8:
            return (np.rint(samples / 256) + 128).clip(0, 255).astype(np.uint8).tobytes()
        case _, 24:
            return (samples * 256).astype("<i4").view(np.uint8).reshape(-1, 4)[:, :3].tobytes()
        case _, 32:
            return (samples * 65536).astype("<i4").tobytes()
        case _:
            return whole.tobytes()


def header(tag: int, bits: int, channels: int, rate_hz: int, *, extensible: bool = False) -> bytes:
    """A `fmt ` chunk."""
    block = channels * bits // 8
    body = struct.pack(
        "<HHIIHH", 0xFFFE if extensible else tag, channels, rate_hz, rate_hz * block, block, bits
    )
    if extensible:
        body += struct.pack("<HHIH", 22, bits, 0, tag) + GUID_TAIL
    return b"fmt " + struct.pack("<I", len(body)) + body


def wav(
    path: Path,
    channels: list[NDArray[np.float64]],
    *,
    rate_hz: int = 8000,
    tag: int = 1,
    bits: int = 16,
    extensible: bool = False,
    told: int | None = None,
    before: bytes = b"",
) -> Path:
    """Write a file. `told` is the size that the data chunk claims; `before` stands between the header and the data."""
    data = coded(tag, bits, np.stack(channels, axis=1).reshape(-1))
    size = len(data) if told is None else told
    body = b"WAVE" + header(tag, bits, len(channels), rate_hz, extensible=extensible) + before
    body += b"data" + struct.pack("<I", size) + data
    path.write_bytes(b"RIFF" + struct.pack("<I", len(body) & 0xFFFFFFFF) + body)
    return path
