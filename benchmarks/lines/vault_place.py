"""Where the vault is measured: a SQLite file and a PostgreSQL server of the benchmark's own, whose commits wait for the disk."""

import random
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.postgres_server import PostgresServer

from tonevault.kernel.luhn import passes_luhn


@dataclass(frozen=True)
class Place:
    """A database to measure on, and a folder for what belongs beside it."""

    name: str
    url: str
    folder: Path


@contextmanager
def places(wanted: str) -> Iterator[list[Place]]:
    """`sqlite`, `postgresql` or `both`; all is gone when the block ends."""
    folder = Path(tempfile.mkdtemp(prefix="tonevault-bench-"))
    server = PostgresServer(settings=()) if wanted != "sqlite" else None
    made = []
    try:
        if wanted != "postgresql":
            (folder / "files").mkdir()
            made.append(Place("SQLite", f"sqlite:///{folder / 'files' / 'secure.db'}", folder / "files"))
        if server is not None:
            (folder / "server").mkdir()
            made.append(Place("PostgreSQL", server.fresh(), folder / "server"))
        yield made
    finally:
        if server is not None:
            server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def cards(count: int, seed: int) -> list[bytearray]:
    """So many valid numbers, different but for chance."""
    dice = random.Random(seed)
    made: list[bytearray] = []
    for _ in range(count):
        body = b"4" + b"".join(b"%d" % dice.randrange(10) for _ in range(14))
        made.append(next(n for d in range(10) if passes_luhn(n := bytearray(body + b"%d" % d))))
    return made
