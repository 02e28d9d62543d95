"""localstripe, a Stripe server by others, run as the program that it is, and a bridge over what it lacks.

It has no idempotency keys, takes no parameters at confirmation, capture and cancelling but the plainest, and knows of no
`allowed_payment_method_types`. The bridge does what those ask for in localstripe's own words, and passes everything else on.
"""

import os
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode

import httpx

from tonevault.testing.gateways import GatewayDouble
from tonevault.testing.gateways.stripe.form import Form, parse
from tonevault.testing.gateways.turn import Reply, Request, Turn

ROOT = Path(__file__).parents[2]
PROGRAM = ROOT / ".venv" / "peers" / "localstripe" / "bin" / "localstripe"
PICKLE = Path("/tmp/localstripe.pickle")
"""Where it keeps what it knows, cards included."""
LACKS = ("allowed_payment_method_types", "description", "setup_future_usage")
STARTS_WITHIN_S = 60.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def localstripe() -> Iterator[str]:
    """A running localstripe; its URL."""
    assert PROGRAM.exists(), "localstripe is not there: run scripts/install-peers"
    url = f"http://127.0.0.1:{(port := free_port())}"
    process = subprocess.Popen(
        [PROGRAM, "--from-scratch", "--port", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={"PATH": os.environ["PATH"]},
    )
    try:
        until = time.monotonic() + STARTS_WITHIN_S
        while True:
            try:
                httpx.get(url)
                break
            except httpx.ConnectError:
                assert process.poll() is None, "localstripe ended at its start"
                assert time.monotonic() < until, "localstripe does not listen"
                time.sleep(0.05)
        yield url
    finally:
        process.terminate()
        process.wait()
        PICKLE.unlink(missing_ok=True)


class Bridge:
    """Says to localstripe what was said to Stripe."""

    name = "bridge"

    def __init__(self, client: httpx.Client) -> None:
        self._client = client

    def answer(self, turn: Turn) -> Reply:
        request = turn.request
        form = parse(request.body.decode())
        head, _, verb = request.path.rpartition("/")
        match verb:
            case "payment_intents" | "setup_intents" if request.method == "POST":
                form = {name: value for name, value in form.items() if name not in LACKS}
            case "confirm" | "capture" | "cancel":
                form = self._prepare(request, head, verb, form)
        return self._say(request, request.path, form)

    def _prepare(self, request: Request, head: str, verb: str, form: Form) -> Form:
        """What this verb takes at Stripe and not here, put into the intent before it."""
        before: Form = {name: form[name] for name in ("payment_method", "metadata") if name in form}
        if before:
            self._say(request, head, before)
        keeps = ("expand", "amount_to_capture") if verb == "capture" else ("expand",)
        return {name: value for name, value in form.items() if name in keeps}

    def _say(self, request: Request, path: str, form: Form) -> Reply:
        headers = {"authorization": request.headers["authorization"]}
        if request.method == "POST":
            headers["content-type"] = "application/x-www-form-urlencoded"
        said = self._client.request(
            request.method,
            f"{path}?{request.query}" if request.query else path,
            content=urlencode(list(_flat(form))).encode() if request.method == "POST" else None,
            headers=headers,
        )
        return Reply(said.status_code, said.content)


class Listener:
    """Takes webhooks, whatever their path."""

    name = "listener"

    def __init__(self) -> None:
        self.heard: list[tuple[Mapping[str, str], bytes]] = []

    def answer(self, turn: Turn) -> Reply:
        self.heard.append((turn.request.headers, turn.request.body))
        return Reply(200, b"{}")


def _flat(form: Form, prefix: str = "") -> Iterator[tuple[str, str]]:
    for name, value in form.items():
        path = f"{prefix}[{name}]" if prefix else name
        if isinstance(value, str):
            yield path, value
        else:
            yield from _flat(value, path)


@contextmanager
def bridged(url: str, folder: Path) -> Iterator[str]:
    """The bridge's own URL."""
    with (
        httpx.Client(base_url=url, timeout=30) as client,
        GatewayDouble(Bridge(client), folder / "bridge.db") as bridge,
    ):
        yield bridge.url
