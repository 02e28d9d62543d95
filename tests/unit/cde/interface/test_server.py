"""The socket of the narrow interface: private, reclaimed from the dead, left to the living; and the client's view of a lost server."""

import asyncio
import shutil
import socket
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tonevault.boundary.problems import SecureZoneError, SecureZoneUnreachableError
from tonevault.cde.interface.app import BoundaryApp
from tonevault.cde.interface.server import BoundaryServer, SocketTakenError, bind_private
from tonevault.desk.secure_zone import HttpSecureZone
from tonevault.testing.secure_zone import FakeSecureZone

TOKEN = "t" * 32


@pytest.fixture
def path() -> Iterator[Path]:
    # A socket's path may have 107 characters, which a test's own folder can exceed.
    folder = Path(tempfile.mkdtemp(prefix="tv-"))
    yield folder / "boundary.sock"
    shutil.rmtree(folder)


def test_only_this_user_may_open_it(path: Path) -> None:
    with bind_private(path):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_what_a_dead_process_left_is_taken_over(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    with bind_private(path):
        assert path.is_socket()


def test_a_living_server_is_left_alone(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as living:
        living.bind(str(path))
        living.listen()
        with pytest.raises(SocketTakenError, match=r"boundary\.sock"):
            bind_private(path)


def test_a_file_in_the_way_is_not_removed(path: Path) -> None:
    path.write_text("precious")
    with pytest.raises(OSError, match="in use"):
        bind_private(path)
    assert path.read_text() == "precious"


def test_the_server_comes_and_goes(path: Path) -> None:
    async def story() -> None:
        client = HttpSecureZone.on_unix_socket(path, TOKEN)
        assert not await client.is_up()
        with pytest.raises(SecureZoneUnreachableError):
            await client.calls()
        with pytest.raises(SecureZoneUnreachableError):
            async with client.notices():
                pass
        zone = FakeSecureZone()
        for _ in range(2):
            server = BoundaryServer(BoundaryApp(zone, TOKEN), path)
            await server.start()
            assert await client.is_up()
            assert await client.calls() == []
            await server.stop()
            assert not path.exists()  # noqa: ASYNC240 - nothing else runs on this loop
            with pytest.raises(SecureZoneUnreachableError):
                await client.calls()
        await client.close()

    asyncio.run(story())


def test_a_wrong_token_is_a_refusal(path: Path) -> None:
    async def story() -> None:
        server = BoundaryServer(BoundaryApp(FakeSecureZone(), TOKEN), path)
        await server.start()
        client = HttpSecureZone.on_unix_socket(path, "u" * 32)
        with pytest.raises(SecureZoneError) as caught:
            await client.calls()
        assert (caught.value.status, caught.value.code) == (401, "unauthorised")
        with pytest.raises(SecureZoneError):
            async with client.notices():
                pass
        await client.close()
        await server.stop()

    asyncio.run(story())


def test_a_stream_ends_when_the_server_stops(path: Path) -> None:
    async def story() -> None:
        zone = FakeSecureZone()
        server = BoundaryServer(BoundaryApp(zone, TOKEN), path)
        await server.start()
        client = HttpSecureZone.on_unix_socket(path, TOKEN)
        zone.ring()
        async with client.notices() as notices:
            await anext(notices)
            zone.unreachable = True
            await server.stop()
            with pytest.raises(SecureZoneUnreachableError):
                await anext(notices)
        await client.close()

    asyncio.run(story())
