"""The secure process of keyed_zone.py as it runs, and what desk and customers do to it: cards are keyed, captures completed."""

import asyncio
import socket
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, Protocol

from benchmarks.lines.keyed_zone import ACCOUNT, KeyedCalls
from benchmarks.lines.running_product import START_S, deployed, stopped_at_the_end
from benchmarks.lines.vault_place import Place

from tonevault.app.embedded import boundary_token
from tonevault.boundary.captures import CaptureRequest, CaptureState, CaptureView, FieldName
from tonevault.boundary.secure_zone import SecureZone
from tonevault.kernel.ids import SESSION, CallId, SessionId, make_id
from tonevault.plumbing.entropy import SYSTEM_ENTROPY

ROOT: Final = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class KeyedProduct:
    """Where it is reached; and a database beside its own, of the same server and on the same disk."""

    pid: int
    socket: Path
    boundary_secret: str
    phones: Path
    database: str
    beside: Place


@contextmanager
def keyed_product(name: str) -> Iterator[KeyedProduct]:
    """The secure process as `deployed`, with a database beside its own."""
    with deployed(name, "secure") as made:
        phones, beside = made.folder / "phones", made.folder / "beside"
        beside.mkdir()
        url = f"sqlite:///{beside / 'secure.db'}" if made.server is None else made.server.fresh()
        with (made.folder / "log").open("wb") as log:
            words = ("-m", "benchmarks.lines.keyed_zone", phones, "--config", made.config, "secure")
            process = subprocess.Popen(
                [sys.executable, *words], cwd=ROOT, stdout=log, stderr=subprocess.STDOUT
            )
        with stopped_at_the_end(process):
            _await_start(process, made.where.socket, made.folder / "log")
            yield KeyedProduct(
                process.pid,
                made.where.socket,
                boundary_token(made.settings, made.where),
                phones,
                made.where.secure_database,
                Place(name, url, beside),
            )


def _await_start(process: subprocess.Popen[bytes], path: Path, log: Path) -> None:
    """Until it serves: it listens for keys before."""
    until = time.monotonic() + START_S
    while time.monotonic() < until and process.poll() is None:
        with suppress(OSError), socket.socket(socket.AF_UNIX) as probe:
            probe.connect(str(path))
            return
        time.sleep(0.05)
    raise RuntimeError(f"the secure process did not start:\n{log.read_text(errors='replace')[-4_000:]}")


class Phones(Protocol):
    """Customers who call, key and hang up."""

    async def ring(self) -> CallId:
        """One calls, and an agent answers."""

    async def key(self, call_id: CallId, keys: bytes) -> None:
        """One keys; all is told when this returns."""

    async def end(self, call_id: CallId) -> None:
        """One hangs up."""


class PhonesHere:
    """Customers of a capture in this process."""

    def __init__(self, calls: KeyedCalls) -> None:
        self._calls = calls

    async def ring(self) -> CallId:
        """See Phones."""
        return self._calls.ring()

    async def key(self, call_id: CallId, keys: bytes) -> None:
        """See Phones."""
        self._calls.key(call_id, keys)

    async def end(self, call_id: CallId) -> None:
        """See Phones."""
        self._calls.hang_up(call_id)


class PhonesThere(asyncio.Protocol):
    """Customers of keyed_zone.py, by its private socket."""

    def __init__(self) -> None:
        self._asked: deque[asyncio.Future[bytes]] = deque()
        self._begun = b""
        self._transport: asyncio.Transport | None = None

    @classmethod
    async def on(cls, path: Path) -> "PhonesThere":
        """Connect."""
        _, phones = await asyncio.get_running_loop().create_unix_connection(cls, str(path))
        return phones

    async def ring(self) -> CallId:
        """See Phones."""
        return CallId((await self._ask(b"ring\n")).decode())

    async def key(self, call_id: CallId, keys: bytes) -> None:
        """See Phones."""
        await self._ask(b"key %s %s\n" % (call_id.encode(), keys))

    async def end(self, call_id: CallId) -> None:
        """See Phones."""
        await self._ask(b"end %s\n" % call_id.encode())

    def close(self) -> None:
        """Disconnect."""
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio."""
        self._transport = transport  # type: ignore[assignment]

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        """See asyncio. Who still waits is told: the process is gone, or refused a line."""
        for asked in self._asked:
            asked.set_exception(ConnectionError("the phones' socket was closed"))

    def data_received(self, data: bytes) -> None:
        """See asyncio."""
        *lines, self._begun = (self._begun + data).split(b"\n")
        for line in lines:
            self._asked.popleft().set_result(line)

    async def _ask(self, line: bytes) -> bytes:
        assert self._transport is not None
        asked: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._asked.append(asked)
        self._transport.write(line)
        return await asked


class Desk:
    """What a desk and its customers do between them, at whichever end of the narrow interface the zone is."""

    def __init__(self, zone: SecureZone, phones: Phones) -> None:
        self.zone = zone
        self._phones = phones
        self.completed = 0

    async def capture(self, number: bytearray) -> CaptureView:
        """A session without an amount, with a card keyed and captured."""
        call_id, now = await self._phones.ring(), datetime.now(UTC)
        session_id = SessionId(make_id(SESSION, int(time.time() * 1000), SYSTEM_ENTROPY))
        request = CaptureRequest(
            session_id=session_id,
            account_id=ACCOUNT,
            call_id=call_id,
            expires_at=now + timedelta(minutes=30),
        )
        view = await self.zone.open_capture(request)
        for field, keys in (
            (FieldName.CARD_NUMBER, bytes(number)),
            (FieldName.EXPIRY, b"12%02d" % ((now.year + 5) % 100)),
            (FieldName.SECURITY_CODE, b"123"),
        ):
            await self.zone.start_field(session_id, field)
            await self._phones.key(call_id, keys + b"#")
        return view

    async def complete(self, view: CaptureView) -> None:
        """The card becomes a token."""
        done = await self.zone.complete(view.session_id)
        assert done.state is CaptureState.SUCCEEDED, done
        assert done.token is not None
        self.completed += not done.existing

    async def whole(self, number: bytearray) -> None:
        """From the call's ringing to the token."""
        await self.complete(await self.capture(number))

    async def hang_up(self, view: CaptureView) -> None:
        """The call is over."""
        await self._phones.end(view.call_id)
