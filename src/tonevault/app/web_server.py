"""uvicorn as one task among others, on a loop whose signals belong to somebody else; live streams end when it stops."""

import asyncio
import signal
import socket
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import uvicorn
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tonevault.app.port_doctor import why_not
from tonevault.plumbing.settings import SettingsError

DRAIN_S: Final = 5
"""How long requests at work may take when the process stops; streams are ended at once."""
BACKLOG: Final = 2048
POLL_S: Final = 0.02
"""uvicorn rings no bell when it is up."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """PEM files of a TLS certificate chain and its key."""

    chain: Path
    key: Path


class WebServer:
    """One application on one address, from `serve` until `stop`."""

    def __init__(
        self, app: ASGIApp, host: str, port: int, subject: str, certificate: Certificate | None = None
    ) -> None:
        """`subject` is the setting that an address which cannot be bound is reported under. With `certificate`: HTTPS."""
        self._stopping = asyncio.Event()
        self._subject = subject
        self._server = _Server(
            uvicorn.Config(
                _EndStreams(app, self._stopping),
                host=host,
                port=port,
                loop="none",
                lifespan="off",
                log_config=None,
                # An address can hold what a person typed.
                access_log=False,
                server_header=False,
                backlog=BACKLOG,
                timeout_graceful_shutdown=DRAIN_S,
                ssl_certfile=None if certificate is None else str(certificate.chain),
                ssl_keyfile=None if certificate is None else str(certificate.key),
            )
        )

    async def serve(self) -> None:
        """Serve until `stop`. Raises SettingsError when the address cannot be bound."""
        try:
            await self._server.serve()
        except SystemExit:
            host, port = self._server.config.host, self._server.config.port
            reason = why_not(socket.SOCK_STREAM, host, port) or "the system refused"
            way_out = "stop what holds it, or choose another address or port"
            raise SettingsError(
                [f"{self._subject}: {host}:{port} cannot be bound ({reason}); {way_out}"]
            ) from None

    async def up_or_failed(self, serving: "asyncio.Task[None]") -> None:
        """Wait until requests are taken, while `serve` runs as `serving`. Raises SettingsError when it cannot."""
        while not self._server.started:
            done, _ = await asyncio.wait({serving}, timeout=POLL_S)
            if done:
                serving.result()
                raise SettingsError([f"{self._subject}: did not start"])

    def stop(self) -> None:
        """Take no more requests, end the streams; `serve` returns when the rest is answered."""
        self._stopping.set()
        self._server.should_exit = True


class _Server(uvicorn.Server):
    """Leaves signals to the process."""

    def capture_signals(self) -> nullcontext[None]:  # type: ignore[override]
        """Signals are handled by the process as a whole."""
        return nullcontext()


class _EndStreams:
    """Tells an application that has read its request that the client has gone, once the process stops: that ends a live stream."""

    def __init__(self, app: ASGIApp, stopping: asyncio.Event) -> None:
        self._app = app
        self._stopping = stopping

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        has_read = is_open = False

        async def watched_send(message: Message) -> None:
            nonlocal is_open
            is_open = message["type"] == "http.response.start" or bool(message.get("more_body", False))
            await send(message)

        async def receive_or_stop() -> Message:
            nonlocal has_read
            if not has_read:
                message = await receive()
                has_read = not message.get("more_body", False)
                return message
            waiting = asyncio.ensure_future(receive())
            stopping = asyncio.ensure_future(self._stopping.wait())
            try:
                await asyncio.wait({waiting, stopping}, return_when=asyncio.FIRST_COMPLETED)
                return waiting.result() if waiting.done() else {"type": "http.disconnect"}
            finally:
                waiting.cancel()
                stopping.cancel()

        await self._app(scope, receive_or_stop, watched_send)
        if is_open and self._stopping.is_set():
            await send({"type": "http.response.body", "body": b"", "more_body": False})


def stop_on_signals(stopping: asyncio.Event) -> None:
    """Let SIGINT and SIGTERM set the event."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopping.set)
