"""The databases that a test runs on: files, or a real PostgreSQL, at its default isolation or at SERIALIZABLE."""

import os
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import ClassVar, Final

from tests.postgres_server import PostgresServer
from tonevault.cde.migrations import SCRIPTS as SECURE_SCRIPTS
from tonevault.cde.schema import METADATA as SECURE_TABLES
from tonevault.desk.migrations import SCRIPTS as DESK_SCRIPTS
from tonevault.desk.schema import METADATA as DESK_TABLES

CHOICE: Final = "TONEVAULT_TEST_DATABASES"
"""Which ones, for example `sqlite,postgresql,serializable`."""


class Kind(StrEnum):
    SQLITE = "sqlite"
    POSTGRESQL = "postgresql"
    SERIALIZABLE = "serializable"
    """PostgreSQL, every transaction serializable: as CockroachDB is, and conflicts are run again."""


def chosen() -> list[Kind]:
    """The kinds that every test of a database runs on."""
    return [Kind(each) for each in os.environ.get(CHOICE, "sqlite,postgresql").split(",")]


class _Current:
    """One test at a time."""

    kind = Kind.SQLITE
    urls: ClassVar[dict[tuple[Path, str], str]] = {}
    spare: ClassVar[dict[tuple[Kind, str], list[str]]] = defaultdict(list)
    """Databases of tests that are over: emptying one is quicker than making one."""


@cache
def server() -> PostgresServer:
    """The server of this test run, started when it is first needed; tests/conftest.py stops it."""
    started = PostgresServer()
    started.template("secure", SECURE_SCRIPTS)
    started.template("desk", DESK_SCRIPTS)
    return started


def stop_server() -> None:
    if server.cache_info().currsize:
        server().stop()
        server.cache_clear()


@contextmanager
def on(kind: Kind) -> Iterator[None]:
    """Within the block, databases are of this kind."""
    before, _Current.kind = _Current.kind, kind
    urls_before, _Current.urls = _Current.urls, {}
    try:
        yield
    finally:
        for (_, zone), url in _Current.urls.items():
            if zone == "blank":
                server().drop(url)
            else:
                _Current.spare[kind, zone].append(url)
        _Current.kind, _Current.urls = before, urls_before


def is_on_files() -> bool:
    return _Current.kind is Kind.SQLITE


def secure_url(folder: Path) -> str:
    """The secure database of a folder: the same each time, and empty at its newest schema when it is first asked for."""
    return _url(folder, "secure")


def desk_url(folder: Path) -> str:
    """The same for the desk."""
    return _url(folder, "desk")


def blank_url(folder: Path) -> str:
    """An empty database of the folder, without any table."""
    if is_on_files():
        return f"sqlite:///{folder / 'blank.db'}"
    key = (folder, "blank")
    if key not in _Current.urls:
        _Current.urls[key] = server().fresh(isolation=_isolation())
    return _Current.urls[key]


def is_fresh_desk(folder: Path) -> bool:
    """Whether nobody has asked for the folder's desk database yet."""
    if is_on_files():
        return not (folder / "desk.db").exists()
    return (folder, "desk") not in _Current.urls


def _url(folder: Path, zone: str) -> str:
    if is_on_files():
        return f"sqlite:///{folder / f'{zone}.db'}"
    key = (folder, zone)
    if key not in _Current.urls:
        _Current.urls[key] = _empty(zone)
    return _Current.urls[key]


def _empty(zone: str) -> str:
    spare = _Current.spare[_Current.kind, zone]
    if spare:
        url = spare.pop()
        server().clear(url, SECURE_TABLES if zone == "secure" else DESK_TABLES)
        return url
    return server().fresh(zone, isolation=_isolation())


def _isolation() -> str:
    return "serializable" if _Current.kind is Kind.SERIALIZABLE else "read committed"


def written(folder: Path, zone: str = "secure") -> bytes:
    """Everything of the folder's database as it lies on the disk, its journal too; of all databases where it is a server's."""
    if is_on_files():
        return b"".join(file.read_bytes() for file in folder.glob(f"{zone}.db*"))
    return server().written()
