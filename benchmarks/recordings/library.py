"""The recordings, at one level, each package as one long line; decoded once and kept. What is missing is named with the way to get it."""

import os
from pathlib import Path
from typing import Final

import numpy as np
from benchmarks.recordings.package import PACKAGES, Package, Part
from benchmarks.recordings.reading import Wave, recordings
from numpy.typing import NDArray

from tonevault.cde.wire.tone.level import power_of

ACTIVE_DBM0: Final = -17.0
"""Active speech level to which every recording is brought; ITU-T G.111 reckons with −20 dBm0 or so, and louder is harder."""

PAUSE: Final = np.zeros(1600)
"""0.2 s between two recordings."""


class MissingError(Exception):
    """A package is not unpacked."""


def cache() -> Path:
    """Where packages are unpacked to and decoded lines are kept."""
    return Path(os.environ.get("TONEVAULT_BENCH_CACHE", Path.home() / ".cache" / "tonevault-bench"))


def lines(part: Part) -> list[tuple[str, NDArray[np.int16]]]:
    """Name and samples of every package of a part. Raises MissingError."""
    return [(package.name, _line(package)) for package in PACKAGES if package.part is part]


def voices() -> Wave:
    """A quarter of an hour of English sentences, for disturbing tones with: of the tuning part, so that held-out voices stay unheard."""
    return _line(PACKAGES[0])[: 8000 * 900].astype(np.float64)


def _line(package: Package) -> NDArray[np.int16]:
    root = cache() / "packages"
    if not (root / package.name).exists():
        raise MissingError(
            f"the recordings of the Debian package {package.name} are not here; run scripts/install-bench-peers"
        )
    kept = cache() / "8k" / f"{package.name}-{package.part.name.lower()}.npy"
    if not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        parts = [
            part
            for recording in recordings(package, root)
            if (levelled := _levelled(recording)) is not None
            for part in (levelled, PAUSE)
        ]
        unfinished = kept.with_suffix(".part.npy")
        np.save(unfinished, np.clip(np.rint(np.concatenate(parts)), -32768, 32767).astype(np.int16))
        unfinished.rename(kept)
    return np.asarray(np.load(kept, mmap_mode="r"))


def _levelled(recording: Wave) -> Wave | None:
    """At ACTIVE_DBM0, reckoned over the 20 ms frames within 30 dB of the loudest (ITU-T P.56 in brief); None where there is no sound."""
    frames = (recording[: len(recording) // 160 * 160].reshape(-1, 160) ** 2).mean(axis=1)
    if not len(frames) or frames.max() < 1:
        return None
    return np.asarray(
        recording * np.sqrt(power_of(ACTIVE_DBM0) / frames[frames > frames.max() * 1e-3].mean())
    )
