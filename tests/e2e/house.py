"""The product as it is deployed, for the tests: `tonevault serve` as a process, provisioned by its command line, asked by its API."""

import contextlib
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any, Self, TypeVar

import httpx
import psutil
from playwright.sync_api import expect

from tests.e2e.house_events import EventFollower
from tests.e2e.house_plan import ACCOUNT, HousePorts, RouteTo, write_house_configuration
from tests.e2e.peers.baresip_config import Transport
from tests.e2e.peers.browser import Browser
from tests.e2e.peers.certificate import make_certificate
from tests.e2e.peers.masking import masked
from tests.e2e.peers.ports import LOOPBACK, claim_block
from tests.e2e.peers.process import PeerProcess

Json = dict[str, Any]
Found = TypeVar("Found")

TONEVAULT = str(Path(sys.executable).with_name("tonevault"))
LOGIN = "agent"
PASSWORD = "a long enough pass phrase"

# What a caller dials; the routes of most tests take every number.
DIALLED = "442079460000"

# Three processes that each load numerical libraries, on a machine that other tests share.
_START_TIMEOUT_S = 60.0
_STOP_TIMEOUT_S = 15.0
_WAIT_S = 10.0
_POLL_S = 0.02

_LOG_TAIL_CHARS = 12_000


class House:
    """One deployment on this machine. `start` it, use it, `stop` it; its files stay until `stop`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._folder.mkdir(parents=True, exist_ok=True)
        # Not below pytest's folder: the path of the socket between the zones may have 107 bytes, no more.
        self.data_dir = Path(tempfile.mkdtemp(prefix="tv-"))
        self.config_path = folder / "tonevault.toml"
        self._block = claim_block()
        self.ports = HousePorts(self._block)
        self.base_url = f"http://{LOOPBACK}:{self.ports.desk}"
        self.key = ""
        self.session_id = ""
        self._followers: list[EventFollower] = []
        self._process: PeerProcess | None = None
        self._api: httpx.Client | None = None

    # -- life ------------------------------------------------------------------------------------------------

    def start(self, to: str | Sequence[RouteTo], *, workers: int = 1, more: str = "") -> Self:
        """Starts it with a route to a SIP URI (or with several), adds a user and an API key, and waits until both
        zones are up. `more` is TOML tables to add."""
        routes = [RouteTo(to)] if isinstance(to, str) else list(to)
        certificate = make_certificate(self._folder, "edge")
        write_house_configuration(
            self.config_path, self.data_dir, self.ports, certificate, routes, workers=workers, more=more
        )
        self.serve()
        self._provision()
        self._api = httpx.Client(
            base_url=self.base_url, headers={"Authorization": f"Bearer {self.key}"}, timeout=20.0
        )
        self.wait_ready()
        return self

    def serve(self) -> None:
        """Starts the process alone; `start` has written the configuration and made the users before."""
        self._process = PeerProcess(
            "serve", [TONEVAULT, "--config", str(self.config_path), "serve"], self._folder
        )
        self._process.wait_until(
            "migrated databases",
            lambda: True if "panel and API at" in self.logs() else None,
            _START_TIMEOUT_S,
        )

    def wait_ready(self, timeout_s: float = _START_TIMEOUT_S) -> None:
        """Until the desk answers and says that the secure zone does, too."""
        self.process.wait_until("health of both zones", self._healthy, timeout_s)

    def stop(self) -> None:
        """Ends it as an operator would, then removes its files."""
        for follower in self._followers:
            follower.ending()
        try:
            self.stop_serving()
        finally:
            for follower in self._followers:
                follower.close()
            if self._api is not None:
                self._api.close()
            self._block.release()
            shutil.rmtree(self.data_dir, ignore_errors=True)

    def stop_serving(self) -> int | None:
        """Asks the process to end and answers its exit code; None when it never ran."""
        if self._process is None:
            return None
        if self._process.return_code is None:
            self._process.signal(signal.SIGTERM)
            try:
                return self._process.wait(_STOP_TIMEOUT_S)
            finally:
                self._process.stop()
        return self._process.return_code

    @property
    def process(self) -> PeerProcess:
        if self._process is None:
            raise RuntimeError("the house was not started")
        return self._process

    # -- its processes ---------------------------------------------------------------------------------------

    @property
    def pids(self) -> dict[str, list[int]]:
        """Which processes run now: under `secure`, `desk` and `recorder` (one each), and `relay` (one a worker)."""
        found: dict[str, list[int]] = {"secure": [], "desk": [], "relay": [], "recorder": []}
        for child in psutil.Process(self.process.pid).children(recursive=True):
            try:
                words = child.cmdline()
            except psutil.Error:
                continue
            if "tonevault.cde.edge.relay.worker" in words:
                found["relay"].append(child.pid)
            elif "tonevault.cde.edge.relay.recorder" in words:
                found["recorder"].append(child.pid)
            elif words and words[-1] in ("secure", "desk"):
                found[words[-1]].append(child.pid)
        return found

    def kill(self, which: str) -> int:
        """kill -9 of the `secure` or `desk` process or of the first `relay` worker; answers its pid, once it is gone."""
        victim = psutil.Process(self.pids[which][0])
        victim.kill()
        # Its parent reaps it: until then it is a zombie, which holds nothing and answers nobody.
        self.process.wait_until(f"end of {which}", lambda: None if _is_alive(victim) else True, _WAIT_S)
        return victim.pid

    def kill_everything(self) -> None:
        """kill -9 of all processes, the supervisor first, so that it starts none again."""
        everybody = psutil.Process(self.process.pid).children(recursive=True)
        self.process.kill()
        for one in everybody:
            with contextlib.suppress(psutil.NoSuchProcess):
                one.kill()
        _, alive = psutil.wait_procs(everybody, _WAIT_S)
        if alive:
            raise AssertionError(f"{len(alive)} processes have survived kill -9")

    def wait_again(self, which: str, killed: int, timeout_s: float = _START_TIMEOUT_S) -> None:
        """Until another process does the work of the one that was killed, and both zones are up."""

        def replaced() -> bool | None:
            now = self.pids[which]
            return True if now and killed not in now else None

        self.process.wait_until(f"another {which} process", replaced, timeout_s)
        self.wait_ready(timeout_s)

    def logs(self) -> str:
        """All that the processes printed, at debug level: for assertions, never for a message."""
        return self.process.log() if self._process is not None else ""

    def masked_log(self) -> str:
        """The end of it for a report: digits masked, without the five lines that httpcore writes for each request."""
        lines = [line for line in self.logs().splitlines() if "[httpcore." not in line]
        return masked("\n".join(lines))[-_LOG_TAIL_CHARS:]

    # -- where it is -----------------------------------------------------------------------------------------

    def sip_uri(self, transport: Transport = Transport.UDP, user: str = DIALLED) -> str:
        """What a phone dials."""
        return f"sip:{user}@{LOOPBACK}:{self.ports.sip_port(transport)};transport={transport}"

    @property
    def api(self) -> httpx.Client:
        """The merchant API with a key that may do everything. Each mutating call needs its Idempotency-Key."""
        if self._api is None:
            raise RuntimeError("the house was not started")
        return self._api

    def events(self) -> EventFollower:
        """A follower of the live events, from now on; ended with the house."""
        follower = EventFollower(self.base_url, self.key)
        self._followers.append(follower)
        return follower

    def open_panel(self, browser: Browser, *, asks_account: bool = False) -> None:
        """Logs in by the page, as a person does; the browser's first tab then shows the panel. Where there are several accounts, the page
        asks for the account once it has refused to guess."""
        # What htmx writes when a page with an open stream is left, as a click on a call does.
        browser.expect_error(r"^\[object Event\] .*htmx")
        page = browser.page
        page.goto(f"{self.base_url}/login")
        page.fill("#login", LOGIN)
        page.fill("#password", PASSWORD)
        page.click("button")
        if asks_account:
            page.fill("#account", ACCOUNT)
            page.fill("#login", LOGIN)
            page.fill("#password", PASSWORD)
            page.click("button")
        page.wait_for_url("**/panel")
        expect(page.locator("#link-state")).to_have_text("Connected")

    # -- calls and payments ----------------------------------------------------------------------------------

    def live_calls(self) -> list[Json]:
        """The calls that are up or ring, newest first."""
        return self.get("/v1/calls", live="true")["data"]  # type: ignore[no-any-return]

    def wait_call(self, state: str = "answered", but: Collection[str] = ()) -> Json:
        """The newest live call, other than those in `but`, once there is one in this state."""

        def look() -> Json | None:
            others = (one for one in self.live_calls() if one["id"] not in but)
            return next((one for one in others if one["state"] == state), None)

        return self.wait(f"{state} call", look)

    def call(self, call_id: str) -> Json:
        return self.get(f"/v1/calls/{call_id}")

    def wait_call_ended(self, call_id: str) -> Json:
        return self.wait(
            "end of the call", lambda: call if (call := self.call(call_id))["state"] == "ended" else None
        )

    def start_session(
        self, call_id: str, amount: int | None = None, currency: str = "GBP", **more: Any
    ) -> Json:
        """Opens a session on a call: the one that the following verbs mean. `more` is other fields of the request."""
        body = {"call_id": call_id, **more}
        if amount is not None:
            body |= {"amount": amount, "currency": currency}
        session = self.post("/v1/sessions", body)
        self.session_id = session["id"]
        return session

    def capture(self, field: str) -> Json:
        """Opens a field's capture window."""
        return self.post(f"/v1/sessions/{self.session_id}/fields/{field}/capture")

    def complete(self) -> Json:
        return self.post(f"/v1/sessions/{self.session_id}/complete")

    def cancel(self) -> Json:
        return self.post(f"/v1/sessions/{self.session_id}/cancel")

    def session(self) -> Json:
        """The session as it stands."""
        return self.get(f"/v1/sessions/{self.session_id}")

    def field(self, name: str) -> Json:
        """One of its fields."""
        return next(one for one in self.session()["fields"] if one["name"] == name)

    def wait_field(self, name: str, state: str = "captured", timeout_s: float = _WAIT_S) -> Json:
        """The field, once it is in this state; a field that fails instead fails the test at once."""

        def look() -> Json | None:
            field = self.field(name)
            if field["state"] == "failed" != state:
                raise self.process.failure(f"{name} failed: {field['error']}")
            return field if field["state"] == state else None

        return self.wait(f"{name} {state}", look, timeout_s)

    def wait_dots(self, name: str, dots: int, timeout_s: float = _WAIT_S) -> Json:
        """The field, once this many keys have been counted."""
        return self.wait(
            f"{dots} dots in {name}",
            lambda: field if (field := self.field(name))["dots"] == dots else None,
            timeout_s,
        )

    def wait_session(self, *states: str, timeout_s: float = _WAIT_S) -> Json:
        """The session, once it is in one of the states."""
        return self.wait(
            f"session {' or '.join(states)}",
            lambda: session if (session := self.session())["state"] in states else None,
            timeout_s,
        )

    # -- asking ----------------------------------------------------------------------------------------------

    def get(self, path: str, **query: str) -> Json:
        answer = self.api.get(path, params=query)
        return _accepted(answer)

    def post(self, path: str, body: Json | None = None) -> Json:
        """A POST under an Idempotency-Key of its own; a refusal is a failure that shows the problem document."""
        answer = self.api.post(path, json=body, headers={"Idempotency-Key": f"test-{time.monotonic_ns()}"})
        return _accepted(answer)

    def wait(self, what: str, look: Callable[[], Found | None], timeout_s: float = _WAIT_S) -> Found:
        """The first answer of `look` that is not None, asked again and again, also while the desk is away."""
        deadline = time.monotonic() + timeout_s
        while True:
            try:
                found = look()
            except httpx.TransportError:
                found = None
            if found is not None:
                return found
            if time.monotonic() > deadline:
                raise self.process.failure(f"no {what} within {timeout_s:g} s")
            time.sleep(_POLL_S)

    # -- inside ----------------------------------------------------------------------------------------------

    def command(self, *words: str) -> PeerProcess:
        """Another `tonevault` command on the same configuration, begun."""
        name = f"{words[0]}-{time.monotonic_ns()}"
        return PeerProcess(name, [TONEVAULT, "--config", str(self.config_path), *words], self._folder)

    def _provision(self) -> None:
        user = self.command(
            "users", "add", LOGIN, "--account", ACCOUNT, "--role", "admin", "--password", PASSWORD
        )
        key = self.command("api-keys", "add", "tests", "--account", ACCOUNT)
        for command in (user, key):
            if command.wait(_START_TIMEOUT_S) != 0:
                raise command.failure("did not end well")
        self.key = key.log().splitlines()[0].strip()

    def _healthy(self) -> bool | None:
        try:
            answer = httpx.get(f"{self.base_url}/health", timeout=5.0)
        except httpx.TransportError:
            return None
        return True if answer.json() == {"status": "ok", "secure_zone": "up"} else None


def _is_alive(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _accepted(answer: httpx.Response) -> Json:
    if not answer.is_success:
        raise AssertionError(
            f"{answer.request.method} {answer.request.url.path}: {answer.status_code} {answer.text}"
        )
    return answer.json()  # type: ignore[no-any-return]
