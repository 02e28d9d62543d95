"""An address that cannot be served is named with the system's reason and the way out."""

import asyncio
import socket

import pytest
from starlette.applications import Starlette

from tonevault.app.web_server import WebServer
from tonevault.plumbing.settings import SettingsError


def test_a_port_that_is_taken_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        server = WebServer(Starlette(), "127.0.0.1", port, "desk.listen")
        with pytest.raises(
            SettingsError,
            match=rf"desk\.listen: 127\.0\.0\.1:{port} cannot be bound \(Address already in use\)",
        ):
            asyncio.run(server.serve())
