"""The product as it is deployed, for a benchmark: `tonevault serve` on databases of its own, with cards in its vault before it starts."""

import asyncio
import contextlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Literal

import httpx
from tests.postgres_server import PostgresServer

from tonevault.app.configuration import load_settings
from tonevault.app.databases import upgrade_zones
from tonevault.app.embedded import Places, boundary_token, places, prepare_boundary
from tonevault.app.secure_database import open_secure_database
from tonevault.app.settings import TonevaultSettings
from tonevault.boundary.tokens import TokenUsage
from tonevault.cde.custodies.file import FileCustody, SharePaths
from tonevault.cde.sealed.card_number import CardNumber
from tonevault.cde.sealed.small_field import Expiry
from tonevault.cde.vault.service import Vault
from tonevault.kernel.ids import AccountId, TokenId
from tonevault.plumbing.sql import Database

ACCOUNT: Final = AccountId("acme")
EXPIRY: Final = Expiry(12, 2049)
TONEVAULT: Final = str(Path(sys.executable).with_name("tonevault"))
LOOPBACK: Final = "127.0.0.1"
START_S: Final = 120.0
CONFIGURATION: Final = """data_dir = "{data}"

[log]
level = "WARNING"

[[accounts]]
id = "{account}"
name = "Acme Ltd"

[secure]
{secure}
[secure.sip]
listen = ["udp:127.0.0.1:{sip}"]
unverified_hosts = ["127.0.0.1"]

[secure.media]
address = "127.0.0.1"
first_port = {media}
last_port = {media_end}
workers = 1

[desk]
listen = "127.0.0.1:{desk}"
{desk_database}
"""
MEDIA: Final = (28_000, 28_031)
"""No call is placed; no port of these is opened."""


@dataclass(frozen=True)
class Running:
    """Where it is reached, and which cards it has."""

    name: str
    desk: tuple[str, int]
    key: str
    socket: Path
    boundary_secret: str
    tokens: Sequence[TokenId]


@dataclass(frozen=True)
class Deployment:
    """A product that is configured and has its databases, but does not run yet."""

    folder: Path
    config: Path
    settings: TonevaultSettings
    where: Places
    desk: tuple[str, int]
    server: PostgresServer | None


@contextmanager
def deployed(name: str, zones: Literal["both", "secure"]) -> Iterator[Deployment]:
    """The product on `SQLite` or `PostgreSQL`, commits as durable as in production; all is gone when the block ends."""
    # Not below a long name: a socket's path may have 107 bytes.
    folder = Path(tempfile.mkdtemp(prefix="tv-"))
    server = PostgresServer(settings=()) if name == "PostgreSQL" else None
    try:
        config, desk = _configure(folder, server)
        settings = load_settings(config)
        where = places(settings)
        prepare_boundary(where)
        upgrade_zones(settings, zones)
        yield Deployment(folder, config, settings, where, desk, server)
    finally:
        if server is not None:
            server.stop()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def running_product(name: str, numbers: Sequence[bytearray]) -> Iterator[Running]:
    """The product as `deployed`, with these cards in its vault."""
    with deployed(name, "both") as made:
        where, desk = made.where, made.desk
        shares = SharePaths(where.custodian_one, where.custodian_two, where.escrow)
        tokens = asyncio.run(_fill(open_secure_database(where), FileCustody.open_or_create(shares), numbers))
        with _serving(made.config, made.folder) as process:
            key = _command(made.config, "api-keys", "add", "benchmark", "--account", ACCOUNT).split()[0]
            _await_health(process, f"http://{desk[0]}:{desk[1]}/health", made.folder / "log")
            secret = boundary_token(made.settings, where)
            yield Running(name, desk, key, where.socket, secret, tuple(tokens))


def _configure(folder: Path, server: PostgresServer | None) -> tuple[Path, tuple[str, int]]:
    """Write the configuration of a product that keeps all in the folder, or on the server; and where its desk will listen."""
    desk, sip = _free_port(socket.SOCK_STREAM), _free_port(socket.SOCK_DGRAM)
    config = folder / "tonevault.toml"
    config.write_text(
        CONFIGURATION.format(
            data=folder / "data",
            account=ACCOUNT,
            secure=f'database = "{server.fresh()}"' if server else "",
            desk_database=f'database = "{server.fresh()}"' if server else "",
            sip=sip,
            desk=desk,
            media=MEDIA[0],
            media_end=MEDIA[1],
        )
    )
    return config, (LOOPBACK, desk)


async def _fill(database: Database, custody: FileCustody, numbers: Sequence[bytearray]) -> list[TokenId]:
    vault, now = Vault(database, custody), datetime.now(UTC)
    kept = [
        await vault.tokenise(ACCOUNT, CardNumber(number), EXPIRY, TokenUsage.MULTI, now) for number in numbers
    ]
    await database.close()
    return [view.token_id for view, _ in kept]


@contextmanager
def _serving(config: Path, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [TONEVAULT, "--config", config, "serve"], stdout=log, stderr=subprocess.STDOUT
        )
        with stopped_at_the_end(process):
            yield process


@contextmanager
def stopped_at_the_end(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """A process of the product is asked to stop when the block ends, and killed if it does not."""
    try:
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(30)
        process.kill()
        process.wait()


def _command(config: Path, *words: str) -> str:
    command = [TONEVAULT, "--config", str(config), *words]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def _await_health(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    """Until the desk answers and says that the secure zone does, too."""
    until = time.monotonic() + START_S
    while time.monotonic() < until and process.poll() is None:
        with contextlib.suppress(httpx.TransportError):
            answer = httpx.get(url, timeout=5)
            if answer.status_code == httpx.codes.OK and answer.json().get("secure_zone") == "up":
                return
        time.sleep(0.1)
    raise RuntimeError(f"the product did not start:\n{log.read_text(errors='replace')[-4_000:]}")


def _free_port(kind: socket.SocketKind) -> int:
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])
