"""What a WAV file says of itself: rate, channels, codec and where its samples lie. It refuses what it cannot decode, with a way out."""

import struct
from dataclasses import dataclass
from enum import StrEnum
from typing import BinaryIO, Final

MOST_CHANNELS: Final = 8
"""A call recorder writes one or two; more than eight is no recording of a call."""

LOWEST_RATE_HZ: Final = 8000
HIGHEST_RATE_HZ: Final = 192_000
"""Below 8 kHz the telephone band is not whole; above 192 kHz no recorder works."""

MOST_CHUNKS: Final = 1000
"""Before the samples: cue lists and notes of the longest calls have a few dozen."""

UNTOLD_SIZES: Final = (0, 0xFFFFFFFF)
"""What a recorder that streams leaves in the size of the data when it cannot go back to fill it in."""

CONVERT: Final = "convert it first, e.g. `sox FILE -e signed -b 16 copy.wav`"


class RecordingError(Exception):
    """A file that cannot be read as a recording: `code` is stable, the message names the rule and the way out."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Coding(StrEnum):
    """How one sample is written."""

    PCM = "PCM"
    FLOAT = "IEEE float"
    ALAW = "A-law"
    ULAW = "µ-law"


_CODINGS: Final = {1: Coding.PCM, 3: Coding.FLOAT, 6: Coding.ALAW, 7: Coding.ULAW}
"""WAVE format tags (RFC 2361)."""

_EXTENSIBLE: Final = 0xFFFE
_WIDTHS: Final = {
    Coding.PCM: (8, 16, 24, 32),
    Coding.FLOAT: (32, 64),
    Coding.ALAW: (8,),
    Coding.ULAW: (8,),
}


@dataclass(frozen=True, slots=True)
class WavFormat:
    """`data_begin` is the file offset of the first sample; `frames` how many there are, one sample of each channel in each; `cut_short`
    where the header promised more than the file holds."""

    coding: Coding
    bits: int
    channels: int
    rate_hz: int
    data_begin: int
    frames: int
    cut_short: bool

    @property
    def frame_octets(self) -> int:
        """Octets of one frame."""
        return self.channels * self.bits // 8

    @property
    def seconds(self) -> float:
        """Length of the recording."""
        return self.frames / self.rate_hz


def read_format(file: BinaryIO) -> WavFormat:
    """Read up to the samples of a seekable file. Raises RecordingError."""
    file.seek(0, 2)
    size = file.tell()
    file.seek(0)
    head = file.read(12)
    if len(head) < 12 or head[:4] not in (b"RIFF", b"RF64") or head[8:] != b"WAVE":
        raise RecordingError("not_wav", f"a recording must be a WAV file; {CONVERT}")
    large_data: int | None = None
    fields: tuple[Coding, int, int, int] | None = None
    for _ in range(MOST_CHUNKS):
        chunk = file.read(8)
        if len(chunk) < 8:
            break
        name, length = struct.unpack("<4sI", chunk)
        if name == b"data":
            if fields is None:
                break
            told = large_data if length == 0xFFFFFFFF and large_data is not None else length
            return _placed(fields, file.tell(), size, told)
        body = file.read(min(length, 64)) if name in (b"fmt ", b"ds64") else b""
        if name == b"fmt ":
            fields = _fields(body)
        elif name == b"ds64" and len(body) >= 16:
            large_data = int.from_bytes(body[8:16], "little")
        file.seek(length - len(body) + (length & 1), 1)
    raise RecordingError(
        "no_samples",
        "the WAV file has no `fmt ` chunk followed by a `data` chunk; it is damaged or was never finished",
    )


def _fields(body: bytes) -> tuple[Coding, int, int, int]:
    """Coding, bits, channels and rate of a `fmt ` chunk."""
    if len(body) < 16:
        raise RecordingError(
            "damaged_header", "the WAV file's `fmt ` chunk is shorter than 16 octets; the file is damaged"
        )
    tag, channels, rate_hz, _, block, bits = struct.unpack_from("<HHIIHH", body)
    if tag == _EXTENSIBLE and len(body) >= 26:
        (tag,) = struct.unpack_from("<H", body, 24)
    coding = _CODINGS.get(tag)
    if coding is None:
        raise RecordingError(
            "unsupported_codec",
            f"the WAV file's codec must be PCM, IEEE float, A-law or µ-law (format tags 1, 3, 6, 7); {CONVERT}",
        )
    if bits not in _WIDTHS[coding]:
        widths = ", ".join(str(width) for width in _WIDTHS[coding])
        raise RecordingError(
            "unsupported_width", f"{coding.value} samples must have {widths} bits; {CONVERT}"
        )
    if not 1 <= channels <= MOST_CHANNELS:
        raise RecordingError(
            "unsupported_channels",
            f"a recording must have 1 to {MOST_CHANNELS} channels; split the file first, e.g. `sox FILE one.wav remix 1`",
        )
    if not LOWEST_RATE_HZ <= rate_hz <= HIGHEST_RATE_HZ:
        raise RecordingError(
            "unsupported_rate",
            f"the sample rate must be {LOWEST_RATE_HZ} to {HIGHEST_RATE_HZ} Hz; find the recording as it was before it was resampled",
        )
    if block != channels * bits // 8:
        raise RecordingError(
            "damaged_header",
            "the WAV file's `fmt ` chunk contradicts itself: its block size must be channels × bits / 8",
        )
    return coding, bits, channels, rate_hz


def _placed(fields: tuple[Coding, int, int, int], begin: int, size: int, told: int) -> WavFormat:
    """The format, with the samples that are really there."""
    coding, bits, channels, rate_hz = fields
    there = max(size - begin, 0)
    octets = there if told in UNTOLD_SIZES else min(told, there)
    frames = octets // (channels * bits // 8)
    return WavFormat(
        coding, bits, channels, rate_hz, begin, frames, cut_short=told not in UNTOLD_SIZES and told > there
    )
