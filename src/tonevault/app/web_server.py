"""uvicorn as one task among others on a loop whose signals belong to somebody else."""

import asyncio
import signal
from contextlib import nullcontext
from typing import Final

import uvicorn

from tonevault.plumbing.settings import SettingsError

DRAIN_S: Final = 3
"""How long open requests and streams may take when the process stops."""
BACKLOG: Final = 2048


class WebServer(uvicorn.Server):
    """A server without signal handlers of its own."""

    def capture_signals(self) -> nullcontext[None]:  # type: ignore[override]
        """Leave signals alone."""
        return nullcontext()

    async def serve_or_fail(self, subject: str) -> None:
        """Serve until `should_exit`. A port that cannot be bound is a SettingsError that names the setting."""
        try:
            await self.serve()
        except SystemExit:
            raise SettingsError(
                [f"{subject}: cannot be bound; `tonevault doctor` says what holds it"]
            ) from None


def web_config(app: object, *, host: str = "", port: int = 0, uds: str | None = None) -> uvicorn.Config:
    """The settings that all of our servers share; access lines are off, because an address can hold what a person typed."""
    return uvicorn.Config(
        app,  # type: ignore[arg-type]
        host=host,
        port=port,
        uds=uds,
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        backlog=BACKLOG,
        timeout_graceful_shutdown=DRAIN_S,
        lifespan="off",
        loop="none",
    )


def stop_on_signals(stopping: asyncio.Event) -> None:
    """Let SIGINT and SIGTERM set the event."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopping.set)
