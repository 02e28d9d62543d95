"""Connections to the zone's socket, against servers that say what a test wants: kept, shared, given up, never believed blindly."""

import asyncio
import contextlib
import shutil
import socket
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from tonevault.desk import socket_transport
from tonevault.desk.socket_transport import SocketTransport

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
STREAM = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n"
PATIENCE_S = 20.0


@dataclass
class Peer:
    """Answers each request by the next of `answers`, then as the last; an answer that is empty never comes."""

    path: Path
    answers: list[bytes] = field(default_factory=lambda: [OK])
    hangs_up: bool = False
    connections: int = 0
    requests: list[bytes] = field(default_factory=list)
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    hung_up_on: asyncio.Event = field(default_factory=asyncio.Event)
    writers: list[asyncio.StreamWriter] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.writers.append(writer)
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                length = next(
                    (x for x in head.lower().split(b"\r\n") if x.startswith(b"content-length")), b":0"
                )
                self.requests.append(head + await reader.readexactly(int(length.split(b":")[1])))
                self.asked.set()
                answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
                writer.write(answer)
                if self.hangs_up:
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            self.hung_up_on.set()
        finally:
            writer.close()


Story = Callable[[Peer, httpx.AsyncClient], Awaitable[None]]


@pytest.fixture
def path() -> Iterator[Path]:
    # A socket's path may have 107 characters, which a test's own folder can exceed.
    folder = Path(tempfile.mkdtemp(prefix="tv-"))
    yield folder / "peer.sock"
    shutil.rmtree(folder)


@asynccontextmanager
async def client_of(
    path: Path, places: int, idle_s: float, limit_s: float
) -> AsyncIterator[httpx.AsyncClient]:
    transport = SocketTransport(path, max_connections=places, idle_s=idle_s)
    limits = httpx.Timeout(PATIENCE_S, read=limit_s, pool=limit_s)
    async with httpx.AsyncClient(transport=transport, base_url="http://zone", timeout=limits) as client:
        yield client


def play(
    path: Path,
    story: Story,
    *answers: bytes,
    hangs_up: bool = False,
    places: int = 4,
    idle_s: float = 60.0,
    limit_s: float = PATIENCE_S,
) -> None:
    async def whole() -> None:
        peer = Peer(path, list(answers) or [OK], hangs_up)
        server = await asyncio.start_unix_server(peer.serve, path)
        async with asyncio.timeout(PATIENCE_S), client_of(path, places, idle_s, limit_s) as client:
            await story(peer, client)
        for writer in peer.writers:
            writer.close()
        server.close()
        await server.wait_closed()

    asyncio.run(whole())


def test_one_connection_serves_one_request_after_the_other(path: Path) -> None:
    async def story(peer: Peer, client: httpx.AsyncClient) -> None:
        for body in (b"", b"some"):
            answer = await client.post("/it", content=body)
            assert (answer.status_code, answer.content) == (200, b"hi")
        assert peer.connections == 1
        assert peer.requests[1].startswith(b"POST /it HTTP/1.1\r\n")
        assert peer.requests[1].endswith(b"\r\n\r\nsome")

    play(path, story)


def test_requests_at_once_have_a_connection_each_and_the_others_wait(path: Path) -> None:
    async def story(peer: Peer, client: httpx.AsyncClient) -> None:
        answers = await asyncio.gather(*(client.get("/") for _ in range(12)))
        assert [each.content for each in answers] == [b"hi"] * 12
        assert 1 < peer.connections <= 4

    play(path, story)


def test_who_waits_too_long_for_a_connection_is_told(path: Path) -> None:
    async def story(peer: Peer, client: httpx.AsyncClient) -> None:
        first = asyncio.create_task(client.get("/", timeout=PATIENCE_S))
        await peer.asked.wait()
        with pytest.raises(httpx.PoolTimeout):
            await client.get("/")
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        # Whoever goes away makes room, and takes the connection along: an answer to it may still come.
        peer.answers = [OK]
        assert (await client.get("/")).content == b"hi"
        assert peer.connections == 2

    play(path, story, b"", places=1, limit_s=0.05)


def test_a_server_that_hangs_up_is_called_anew(path: Path) -> None:
    async def story(peer: Peer, client: httpx.AsyncClient) -> None:
        for _ in range(3):
            assert (await client.get("/")).content == b"hi"
        assert peer.connections == 3

    play(path, story, OK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"), hangs_up=True)


def test_a_connection_that_rested_too_long_is_not_used_again(path: Path) -> None:
    async def story(peer: Peer, client: httpx.AsyncClient) -> None:
        await client.get("/")
        await peer_hears_of_it(peer, client)

    async def peer_hears_of_it(peer: Peer, client: httpx.AsyncClient) -> None:
        await client.get("/")
        await peer.hung_up_on.wait()
        assert peer.connections == 2

    play(path, story, idle_s=-1.0)


def test_what_nobody_asked_for_ends_the_connection(path: Path) -> None:
    async def story(peer: Peer, client: httpx.AsyncClient) -> None:
        await client.get("/")
        peer.writers[0].write(OK)
        await peer.hung_up_on.wait()
        assert (await client.get("/")).content == b"hi"
        assert peer.connections == 2

    play(path, story)


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhi",
        b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\nhi",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nthree\r\none",
        b"220 mail.example ESMTP\r\n\r\n",
    ],
)
def test_an_answer_that_is_none(path: Path, answer: bytes) -> None:
    async def story(peer: Peer, client: httpx.AsyncClient) -> None:
        with pytest.raises(httpx.RemoteProtocolError):
            await client.get("/")
        peer.answers, peer.hangs_up = [OK], False
        assert (await client.get("/")).content == b"hi"

    play(path, story, answer, hangs_up=True)


def test_an_answer_that_is_too_long(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(peer: Peer, client: httpx.AsyncClient) -> None:
        with pytest.raises(httpx.RemoteProtocolError, match="too long"):
            await client.get("/")

    monkeypatch.setattr(socket_transport, "MAX_ANSWER_BYTES", 1)
    play(path, story)


def test_silence(path: Path) -> None:
    async def story(peer: Peer, client: httpx.AsyncClient) -> None:
        with pytest.raises(httpx.ReadTimeout):
            await client.get("/")
        await peer.hung_up_on.wait()

    play(path, story, b"", limit_s=0.05)


def test_nobody_there(path: Path) -> None:
    async def story() -> None:
        async with client_of(path, 1, 60.0, 1.0) as client:
            for _ in range(2):
                with pytest.raises(httpx.ConnectError):
                    await client.get("/")

    asyncio.run(story())


def test_a_listener_whose_queue_is_full_is_asked_again(path: Path) -> None:
    async def story() -> None:
        peer = Peer(path)
        with socket.socket(socket.AF_UNIX) as listener, contextlib.ExitStack() as others:
            listener.bind(str(path))
            listener.listen(0)
            with contextlib.suppress(BlockingIOError):
                while True:
                    other = others.enter_context(socket.socket(socket.AF_UNIX))
                    other.setblocking(False)
                    other.connect(str(path))
            async with client_of(path, 1, 60.0, PATIENCE_S) as client:
                with pytest.raises(httpx.ConnectTimeout):
                    await client.get("/", timeout=httpx.Timeout(PATIENCE_S, connect=0.05))
                asking = asyncio.create_task(client.get("/"))
                server = await asyncio.start_unix_server(peer.serve, sock=listener)
                assert (await asking).content == b"hi"
            others.close()
            server.close()
            await server.wait_closed()

    asyncio.run(story())


def test_a_stream_is_read_as_it_comes(path: Path) -> None:
    async def story(peer: Peer, client: httpx.AsyncClient) -> None:
        async with client.stream("GET", "/") as answer:
            parts = answer.aiter_raw()
            assert await anext(parts) == b"one"
            peer.writers[0].write(b"3\r\ntwo\r\n0\r\n\r\n")
            assert [each async for each in parts] == [b"two"]
        peer.answers = [OK]
        assert (await client.get("/")).content == b"hi"
        assert peer.connections == 1

    play(path, story, STREAM)


def test_a_stream_that_is_left_is_hung_up(path: Path) -> None:
    async def story(peer: Peer, client: httpx.AsyncClient) -> None:
        async with client.stream("GET", "/") as answer:
            assert await anext(answer.aiter_raw()) == b"one"
        await peer.hung_up_on.wait()
        peer.answers = [OK]
        assert (await client.get("/")).content == b"hi"
        assert peer.connections == 2

    play(path, story, STREAM)


def test_a_stream_that_nobody_reads_is_held_up(path: Path) -> None:
    async def story(peer: Peer, client: httpx.AsyncClient) -> None:
        line = b"%x\r\n%s\r\n" % (65_536, b"x" * 65_536)
        async with client.stream("GET", "/") as answer:
            for _ in range(1_000):
                peer.writers[0].write(line)
            # What the peer could not send waits with the peer: socket and reading ahead take a part of it.
            for _ in range(200):
                await asyncio.sleep(0)
            assert peer.writers[0].transport.get_write_buffer_size() > 32 * 2**20
            peer.writers[0].write(b"0\r\n\r\n")
            assert sum([len(each) async for each in answer.aiter_raw()]) == 3 + 1_000 * 65_536

    play(path, story, STREAM)
