"""A stereo WAV file that grows while it is played on, and is one at any moment: 16 bits, 8 kHz. It refuses to overwrite another."""

import os
import struct
from pathlib import Path
from typing import Final

SAMPLE_RATE_HZ: Final = 8000
CHANNELS: Final = 2
FRAME_OCTETS: Final = 2 * CHANNELS
_HEADER: Final = struct.Struct("<4sI4s4sIHHIIHH4sI")
"""RIFF with a `fmt ` of 16 octets (WAVE format tag 1, PCM) and a `data` chunk."""
HEADER_OCTETS: Final = _HEADER.size
LONGEST: Final = 0xFFFFFFFF - HEADER_OCTETS - FRAME_OCTETS
"""Octets of sound that a RIFF can tell of: 37 hours."""
PART: Final = ".part"
DONE: Final = ".wav"
SUFFIXES: Final = ("", *(f"-{chr(letter)}" for letter in range(ord("b"), ord("z") + 1)))
"""Of further files of one call, where a recorder or a relay died in it. Letters: no file name holds a digit."""
MODE: Final = 0o600


def _header(octets: int) -> bytes:
    rate = SAMPLE_RATE_HZ * FRAME_OCTETS
    form = (b"fmt ", 16, 1, CHANNELS, SAMPLE_RATE_HZ, rate, FRAME_OCTETS, 8 * FRAME_OCTETS // CHANNELS)
    return _HEADER.pack(b"RIFF", HEADER_OCTETS - 8 + octets, b"WAVE", *form, b"data", octets)


class StereoFile:
    """One recording, `NAME.part` until it is finished. Each write leaves a whole WAV file behind: first the sound, then the length in the
    header, so that whoever is killed between the two has lost what that write brought and no more."""

    def __init__(self, directory: Path, name: str) -> None:
        """Raises OSError, FileExistsError among them where a call has had more files than there are letters."""
        self._path = _free(directory, name).with_suffix(PART)
        self._file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, MODE)
        self._octets = 0
        _write_whole(self._file, _header(0), 0)

    def write(self, frames: bytes) -> None:
        """Add whole frames, left sample first. Raises OSError: then the file ends where it ended before."""
        if self._octets + len(frames) > LONGEST:
            raise OSError("recording: a WAV file cannot be longer")
        _write_whole(self._file, frames, HEADER_OCTETS + self._octets)
        _write_whole(self._file, _header(self._octets + len(frames)), 0)
        self._octets += len(frames)

    def finish(self) -> Path:
        """Bring what was written to the disk and give the file its name. Raises OSError."""
        try:
            os.ftruncate(self._file, HEADER_OCTETS + self._octets)
            os.fsync(self._file)
        finally:
            os.close(self._file)
        return _named(self._path)


def _write_whole(file: int, octets: bytes, at: int) -> None:
    """A disk that fills up takes a part of a write, and refuses only the next."""
    view = memoryview(octets)
    while view:
        written = os.pwrite(file, view, at)
        view, at = view[written:], at + written


def _free(directory: Path, name: str) -> Path:
    for suffix in SUFFIXES:
        path = directory / f"{name}{suffix}{DONE}"
        if not path.exists() and not path.with_suffix(PART).exists():
            return path
    raise FileExistsError("recording: this call has too many files")


def _named(part: Path) -> Path:
    """`.part` becomes `.wav`, at once and whole."""
    done = part.with_suffix(DONE)
    part.rename(done)
    return done


def repair(directory: Path) -> int:
    """Finish what a recorder that was killed left behind, each as long as its sound; what holds none is removed. Gives back how many were
    kept. Raises OSError. The caller must be the only one who records there."""
    kept = 0
    for part in sorted(directory.glob(f"*{PART}")):
        octets = (part.stat().st_size - HEADER_OCTETS) // FRAME_OCTETS * FRAME_OCTETS
        if octets <= 0:
            part.unlink()
            continue
        file = os.open(part, os.O_WRONLY | os.O_CLOEXEC)
        try:
            os.ftruncate(file, HEADER_OCTETS + octets)
            _write_whole(file, _header(octets), 0)
            os.fsync(file)
        finally:
            os.close(file)
        _named(part)
        kept += 1
    return kept
