"""A PostgreSQL server of the tests' own: made in a temporary folder, reached by a socket there, gone with the test run."""

import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, MetaData, text
from sqlalchemy.exc import SQLAlchemyError

from tonevault.plumbing.migrations import upgrade
from tonevault.plumbing.sql import Database

DEBIAN: Final = Path("/usr/lib/postgresql")
USER: Final = "tonevault"
OWNER: Final = "postgres"
"""The system's user that Debian's package makes."""
START_LIMIT_S: Final = 60.0
FAST: Final = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")
"""Tests kill processes, never the machine, so nothing is lost by not waiting for the disk."""


class PostgresMissingError(Exception):
    """There is no PostgreSQL on this machine."""


def binaries() -> Path:
    """The newest PostgreSQL installed by Debian or Ubuntu, or the one in the path. Raises PostgresMissingError."""
    found = sorted(DEBIAN.glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    if found:
        return found[-1].parent
    if (initdb := shutil.which("initdb")) is not None:
        return Path(initdb).resolve().parent
    raise PostgresMissingError("PostgreSQL is not installed; run scripts/install-peers")


def _unprivileged(*options: str) -> list[str]:
    """The beginning of a command that runs with no more rights than the server wants."""
    drop = [f"--reuid={OWNER}", f"--regid={OWNER}", "--clear-groups"] if os.geteuid() == 0 else []
    return ["setpriv", *drop, *options]


def _name(url: str) -> str:
    return url.partition("@/")[2].partition("?")[0]


class PostgresServer:
    """One running server. It refuses to run as root, so there it runs as the system's user postgres."""

    def __init__(self, settings: tuple[str, ...] = FAST) -> None:
        """`settings` as `name=value`; with none, commits are as durable as they are in production."""
        self.folder = Path(tempfile.mkdtemp(prefix="tonevault-pg-"))
        self._bin = binaries()
        if os.geteuid() == 0:
            shutil.chown(self.folder, OWNER, OWNER)
        self.folder.chmod(0o755)
        self._made = 0
        data = self.folder / "data"
        log = (self.folder / "log").open("wb")
        subprocess.run(
            [
                *_unprivileged(),
                self._bin / "initdb",
                "-D",
                data,
                "-U",
                USER,
                "-A",
                "trust",
                "-E",
                "UTF8",
                "--no-locale",
                "--no-sync",
            ],
            stdout=log,
            stderr=subprocess.STDOUT,
            check=True,
            cwd=self.folder,
        )
        chosen = (
            "listen_addresses=",
            f"unix_socket_directories={self.folder}",
            "max_connections=200",
            *settings,
        )
        self._process = subprocess.Popen(
            # It ends with the test run, even one that is killed.
            [
                *_unprivileged("--pdeathsig=QUIT"),
                self._bin / "postgres",
                "-D",
                data,
                *(word for each in chosen for word in ("-c", each)),
            ],
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=self.folder,
        )
        log.close()
        self._first = Database(self.url("postgres"))
        self._await_start()

    @property
    def pid(self) -> int:
        return self._process.pid

    def url(self, name: str) -> str:
        return f"postgresql://{USER}@/{name}?host={self.folder}"

    def fresh(self, template: str = "template0", *, isolation: str = "read committed") -> str:
        """The URL of a new database like `template`, in which transactions are isolated so by default."""
        self._made += 1
        name = f"fresh_{os.getpid()}_{self._made}"
        self.run(
            f'CREATE DATABASE "{name}" TEMPLATE "{template}"',
            f"ALTER DATABASE \"{name}\" SET default_transaction_isolation = '{isolation}'",
        )
        return self.url(name)

    def template(self, name: str, scripts: Path) -> None:
        """Make a database at the newest schema of `scripts`, for `fresh` to copy."""
        self.run(f'CREATE DATABASE "{name}" TEMPLATE template0')
        database = Database(self.url(name))
        upgrade(database, scripts)
        database.close_now()

    def drop(self, url: str) -> None:
        """End a database, with whoever is still connected."""
        self.run(f'DROP DATABASE IF EXISTS "{_name(url)}" WITH (FORCE)')

    def clear(self, url: str, tables: MetaData) -> None:
        """Empty every table of a database that nobody uses any more; whoever is still connected is cut off first."""
        name = _name(url)
        database = Database(url)

        def work(connection: Connection) -> None:
            others = text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name AND pid != pg_backend_pid()"
            )
            connection.execute(others, {"name": name})
            for table in reversed(tables.sorted_tables):
                connection.execute(table.delete())
            connection.commit()

        database.visit(work)
        database.close_now()

    def written(self) -> bytes:
        """What lies on the disk, of all databases, with the journal. The server's own user alone can read it, and root."""
        self.run("CHECKPOINT")
        folders = (self.folder / "data" / "base", self.folder / "data" / "pg_wal")
        return b"".join(
            file.read_bytes() for folder in folders for file in folder.rglob("*") if file.is_file()
        )

    def run(self, *statements: str) -> None:
        """Each in a transaction of its own, on the server's first database."""

        def work(connection: Connection) -> None:
            connection.execution_options(isolation_level="AUTOCOMMIT")
            for each in statements:
                connection.exec_driver_sql(each)

        self._first.visit(work)

    def stop(self) -> None:
        """End the server at once and remove everything."""
        self._first.close_now()
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _await_start(self) -> None:
        end = time.monotonic() + START_LIMIT_S
        while time.monotonic() < end and self._process.poll() is None:
            try:
                self.run("SELECT 1")
            except SQLAlchemyError:
                time.sleep(0.02)
            else:
                return
        said = (self.folder / "log").read_text(errors="replace")[-2000:]
        self.stop()
        raise RuntimeError(f"PostgreSQL did not start:\n{said}")
