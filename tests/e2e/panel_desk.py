"""A desk with its panel on a real port, in a thread of its own, before a secure zone that the test plays. It can be stopped and started."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from tests.unit.desk.bench import ACME, Bench, BenchClock, open_desk
from tonevault.app.web_server import WebServer
from tonevault.boundary.calls import CallView
from tonevault.boundary.captures import FieldName
from tonevault.desk.customers.model import CustomerDraft
from tonevault.desk.panel.mount import mount_panel
from tonevault.desk.people.model import Role
from tonevault.kernel.clock import epoch_ms
from tonevault.kernel.ids import CUSTOMER, CustomerId, make_id
from tonevault.plumbing.entropy import SYSTEM_ENTROPY
from tonevault.testing.secure_zone import FakeSecureZone

T = TypeVar("T")

LOOPBACK = "127.0.0.1"
LOGIN, PASSWORD = "agent", "correct horse battery"
_PATIENCE_S = 10.0


class RunningClock(BenchClock):
    """Runs, from the bench's start on: a browser whose own clock is years behind must still count right."""

    def __init__(self) -> None:
        super().__init__()
        self._began = time.monotonic()

    def monotonic(self) -> float:
        return super().monotonic() + time.monotonic() - self._began

    def utc(self) -> datetime:
        return super().utc() + timedelta(seconds=time.monotonic() - self._began)


class PanelDesk:
    """One desk. What the test does to its `zone` shows in every panel."""

    def __init__(self, folder: Path, port: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder, self._port = folder, port
        self.clock = RunningClock()
        self.zone = FakeSecureZone(clock=self.clock)
        self.base_url = f"http://{LOOPBACK}:{port}"
        self._thread: threading.Thread | None = None
        self._ready = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._bench: Bench | None = None

    def start(self) -> None:
        """Serve; returns when the first request would be answered."""
        self._ready.clear()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), name="desk")
        self._thread.start()
        if not self._ready.wait(_PATIENCE_S):
            raise RuntimeError("the desk did not start")

    def stop(self) -> None:
        """End the process that this thread stands for: streams break, the port refuses."""
        if self._thread is None or self._loop is None or self._stop is None:
            return
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(_PATIENCE_S)
        self._thread = None

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run something on the desk's loop."""
        if self._loop is None:
            raise RuntimeError("the desk does not run")
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(_PATIENCE_S)

    @property
    def bench(self) -> Bench:
        """The desk's services, to be used by `run`."""
        if self._bench is None:
            raise RuntimeError("the desk does not run")
        return self._bench

    def log_in_link(self) -> str:
        """An address that logs the agent in once."""
        return f"/login?ticket={self.run(self.bench.services.log_ins.make_ticket(ACME, LOGIN)).text}"

    def add_customer(self, name: str, phone: str) -> None:
        """A customer whose calls are known by this number."""
        customer_id = CustomerId(make_id(CUSTOMER, epoch_ms(self.clock.utc()), SYSTEM_ENTROPY))
        draft = CustomerDraft(name, phone=phone)
        self.run(self.bench.services.customers.create(ACME, customer_id, draft))

    def live_call(self, **caller: str) -> CallView:
        """A call that is up and that the desk knows of."""
        call = self.zone.live_call(**caller)
        self.run(self.bench.caught_up())
        return call

    @contextmanager
    def held_completions(self) -> Iterator[None]:
        """While the block runs, sessions that are completed stay at work."""
        hold = self.zone.hold_completions()
        self.run(_on_the_loop(hold.__enter__))
        try:
            yield
        finally:
            self.run(_on_the_loop(lambda: hold.__exit__(None, None, None)))

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        async with open_desk(self._folder, zone=self.zone, clock=self.clock) as self._bench, self._web():
            self._ready.set()
            await self._stop.wait()

    @asynccontextmanager
    async def _web(self) -> AsyncIterator[None]:
        bench = self.bench
        if not (self._folder / "agent").exists():
            await bench.services.people.add_user(ACME, LOGIN, "Robin Reed", Role.AGENT, PASSWORD)
            (self._folder / "agent").touch()
        fields = (FieldName.CARD_NUMBER, FieldName.EXPIRY, FieldName.SECURITY_CODE)
        mount_panel(
            bench.app,
            bench.services,
            self.clock,
            SYSTEM_ENTROPY,
            currency_of=lambda _: "GBP",
            fields_of=lambda _: fields,
        )
        server = WebServer(bench.app, LOOPBACK, self._port, "port")
        serving = asyncio.create_task(server.serve())
        while True:
            try:
                _, writer = await asyncio.open_connection(LOOPBACK, self._port)
                writer.close()
                break
            except OSError:
                await asyncio.sleep(0.01)
        try:
            yield
        finally:
            server.stop()
            await serving


async def _on_the_loop(act: Callable[[], object]) -> None:
    act()
