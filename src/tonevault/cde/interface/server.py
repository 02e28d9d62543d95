"""The narrow interface on a Unix socket that only this user may open. TCP with client certificates would serve the same application."""

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import uvicorn

from tonevault.cde.interface.app import BoundaryApp

BACKLOG: Final = 1024
"""Connections that wait to be taken: those of several desks that come back at once, with some two hundred each."""
KEEP_ALIVE_S: Final = 120
"""Longer than the client keeps an idle connection, so that it never writes into one that we are closing."""
GRACE_S: Final = 5
"""What answers still have at a stop; notice streams end before."""
PRIVATE: Final = 0o600


class SocketTakenError(Exception):
    """Another process serves on this socket."""


class _Server(uvicorn.Server):
    """Leaves signals to the process, and says when it is up."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.up = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals are the supervisor's."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """As uvicorn does it, then tell."""
        await super().startup(sockets)
        self.up.set()


class BoundaryServer:
    """Serves a BoundaryApp on a Unix socket from `start` to `stop`."""

    def __init__(self, app: BoundaryApp, path: Path) -> None:
        self._path = path
        config = uvicorn.Config(
            app,
            http="h11",
            ws="none",
            lifespan="off",
            # Paths hold ids alone, yet a log of every key's poll is of no use to anyone.
            access_log=False,
            log_config=None,
            server_header=False,
            date_header=False,
            # Nobody stands between, and what a header says of the client counts for nothing.
            proxy_headers=False,
            backlog=BACKLOG,
            timeout_keep_alive=KEEP_ALIVE_S,
            timeout_graceful_shutdown=GRACE_S,
        )
        self._server = _Server(config)
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Bind, and return once requests are taken. Raises SocketTakenError, OSError."""
        listener = bind_private(self._path)
        self._task = asyncio.create_task(self._server.serve(sockets=[listener]))
        up = asyncio.create_task(self._server.up.wait())
        await asyncio.wait({self._task, up}, return_when=asyncio.FIRST_COMPLETED)
        up.cancel()
        if self._task.done():
            self._task.result()
            raise OSError("the narrow interface did not start")

    async def stop(self) -> None:
        """Take no more requests, let answers finish, remove the socket. Close the capture service first: it ends the streams."""
        self._server.should_exit = True
        if self._task is not None:
            await self._task
        self._path.unlink(missing_ok=True)


def bind_private(path: Path) -> socket.socket:
    """A Unix socket that only this user may open. What a dead process left at `path` is removed; a living one is left alone."""
    if path.is_socket() and _answers(path):
        raise SocketTakenError(
            f"{path}: another secure process serves here; stop it or choose another socket"
        )
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        if path.is_socket():
            path.unlink()
        listener.bind(str(path))
        # Nobody can connect before `listen`, so there is no moment at which others may.
        path.chmod(PRIVATE)
    except BaseException:
        listener.close()
        raise
    return listener


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            return False
        return True
