"""Recordings out of unpacked packages as 8 kHz samples. WAV is read by the product's own reader, the rest by sox."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from benchmarks.recordings.package import Container, Package
from benchmarks.recordings.rnc import MAGIC, unpacked
from numpy.typing import NDArray

from tonevault.cde.tones.resampler import Resampler
from tonevault.cde.tones.wav_format import read_format
from tonevault.cde.tones.wav_samples import blocks

Wave = NDArray[np.float64]

GAME_RATE_HZ = 11025
SPEECHLESS_OCTETS = 3000
"""A quarter of a second at 11 kHz: what is shorter in drascula is no sentence."""
QUEEN_ENTRIES_AT, QUEEN_ENTRY = 15, 21
MP3_BATCH = 100
SKY_ENTRY, SKY_HEADER, SKY_SPEECH = 8, 22, (50_000, 58_999)


def recordings(package: Package, root: Path) -> Iterator[Wave]:
    """Every recording of a package, in the order of its files' names."""
    folder = root / package.name / package.folder
    files = sorted(
        path
        for path in folder.rglob("*")
        if path.is_file() and not path.is_symlink() and _wanted(package, str(path.relative_to(root)))
    )
    match package.container:
        case Container.ALS:
            yield from (_als(path) for path in files if path.suffix == ".ALS")
        case Container.QUEEN:
            yield from _queen(next(path for path in files if path.name == "queen.1c"))
        case Container.SKY:
            yield from _sky(folder)
        case Container.FILES:
            yield from _files(files)


def _wanted(package: Package, name: str) -> bool:
    return package.within in name and not any(word in name for word in package.without)


def _files(files: list[Path]) -> Iterator[Wave]:
    for path in files:
        if path.suffix == ".wav":
            yield _wav(path)
        elif path.suffix in (".ogg", ".gsm"):
            yield _sox(str(path))


def _wav(path: Path) -> Wave:
    with path.open("rb") as file:
        form = read_format(file)
        resampler = Resampler(form.rate_hz)
        parts = [resampler.push(block.mean(axis=0)) for block in blocks(file, form)]
    return np.concatenate([*parts, resampler.finish()]).astype(np.float64)


def _als(path: Path) -> Wave:
    octets = path.read_bytes()
    if len(octets) < SPEECHLESS_OCTETS:
        return np.zeros(0)
    return _unsigned(octets)


def _unsigned(octets: bytes) -> Wave:
    resampler = Resampler(GAME_RATE_HZ)
    samples = (np.frombuffer(octets, np.uint8).astype(np.float32) - 128) * np.float32(256)
    return np.concatenate([resampler.push(samples), resampler.finish()]).astype(np.float64)


def _sky(folder: Path) -> Iterator[Wave]:
    """The table has 8 octets a file: number, place (in units of 16 where its highest bit is set) and size, little-endian. Files from 50,000
    to 58,999 are speech; noises follow."""
    table, content = (folder / "sky.dnr").read_bytes(), (folder / "sky.dsk").read_bytes()
    for begin in range(4, len(table) - SKY_ENTRY + 1, SKY_ENTRY):
        number, at, size = (
            int.from_bytes(table[begin + first : begin + last], "little")
            for first, last in ((0, 2), (2, 5), (5, 8))
        )
        place = (at & 0x7FFFFF) << (4 if at >> 23 else 0)
        packed = content[place + SKY_HEADER : place + (size & 0x3FFFFF)]
        if SKY_SPEECH[0] <= number <= SKY_SPEECH[1] and packed.startswith(MAGIC):
            yield _unsigned(unpacked(packed))


def _queen(path: Path) -> Iterator[Wave]:
    """The table of contents: 12 octets of name, one of bundle, big-endian offset and size. Speech is in the files named *.SB."""
    content = path.read_bytes()
    count = int.from_bytes(content[13:15], "big")
    pieces = []
    for index in range(count):
        begin = QUEEN_ENTRIES_AT + QUEEN_ENTRY * index
        entry = content[begin : begin + QUEEN_ENTRY]
        if entry[:12].rstrip(b"\0").endswith(b".SB"):
            at, size = int.from_bytes(entry[13:17], "big"), int.from_bytes(entry[17:21], "big")
            pieces.append(content[at : at + size])
    for begin in range(0, len(pieces), MP3_BATCH):
        yield _sox("-t", "mp3", "-", octets=b"".join(pieces[begin : begin + MP3_BATCH]))


def _sox(*source: str, octets: bytes = b"") -> Wave:
    done = subprocess.run(
        ["sox", "-V1", "-D", *source, "-t", "s16", "-r", "8000", "-c", "1", "-", "gain", "-6"],
        input=octets,
        capture_output=True,
        check=True,
    )
    return np.frombuffer(done.stdout, "<i2").astype(np.float64)
