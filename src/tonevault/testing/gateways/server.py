"""A gateway's double on 127.0.0.1: HTTP/1.1 in threads of its own, for one wire format. Logs nothing, since bodies hold cards."""

import socket
import ssl
import time
from collections.abc import Callable, Sequence
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from types import TracebackType
from typing import Final, Self
from urllib.parse import urlsplit

from tonevault.testing.gateways.behaviour import Behaviour, Step
from tonevault.testing.gateways.ledger import Ledger
from tonevault.testing.gateways.turn import Book, NoAnswerError, Reply, Request, Seen, Turn, Wire
from tonevault.testing.gateways.weather import CALM, Weather

MAX_BODY: Final = 1_000_000
"""No request of a card gateway is larger."""


class GatewayDouble:
    """A running double. Use it as a context manager, or call `start` and `stop`.

    `ledger_path`: its SQLite file, which outlives it and the product under test. `port` 0 takes any that is free.
    """

    def __init__(
        self,
        wire: Wire,
        ledger_path: Path,
        *,
        port: int = 0,
        weather: Weather = CALM,
        pace: float = 1.0,
        now: Callable[[], float] = time.time,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """`tls`: a server's context with its certificate; None for plain HTTP."""
        self.wire = wire
        self.ledger = Ledger(ledger_path)
        self._book = Book(weather, pace)
        self._server = _Server(("127.0.0.1", port), self._take, tls)
        self._now = now
        self._thread = Thread(
            target=self._server.serve_forever,
            kwargs={"poll_interval": 0.05},
            name=f"double-{wire.name}",
            daemon=True,
        )

    @property
    def port(self) -> int:
        """Where it listens on 127.0.0.1."""
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        """Its base URL, without a slash at the end."""
        return f"{'http' if self._server.tls is None else 'https'}://127.0.0.1:{self.port}"

    @property
    def seen(self) -> Sequence[Seen]:
        """The requests that came in, the oldest first."""
        return tuple(self._book.seen)

    def script(self, step: Step, *behaviours: Behaviour) -> None:
        """The next requests of this step behave so, one each, whatever their card."""
        self._book.script(step, *behaviours)

    def always(self, step: Step, behaviour: Behaviour | None) -> None:
        """Every request of this step that is not scripted behaves so; None: as usual again."""
        self._book.always(step, behaviour)

    def start(self) -> Self:
        """Begin to serve."""
        self._thread.start()
        return self

    def stop(self) -> None:
        """Stop serving and release the ledger's file."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self.ledger.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _take(self, request: Request) -> Reply | None:
        """The answer to a request, once its delay is over; None where it stays without."""
        turn = Turn(request, self._book, self.ledger, self._now)
        try:
            reply: Reply | None = self.wire.answer(turn)
        except NoAnswerError:
            reply = None
        except Exception as error:  # noqa: BLE001 - a request that the wire format stumbles over; its text may hold a card
            reply = Reply(500, f"the double stumbled: {type(error).__name__}".encode(), "text/plain")
        if turn.behaviour.delay_s:
            time.sleep(turn.behaviour.delay_s)
        return reply if turn.behaviour.answers else None


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 512
    """A chaos run connects hundreds of times a second."""

    def __init__(
        self,
        address: tuple[str, int],
        take: Callable[[Request], Reply | None],
        tls: ssl.SSLContext | None,
    ) -> None:
        super().__init__(address, _Handler)
        self.take = take
        self.tls = tls

    def finish_request(self, request: object, client_address: object) -> None:
        """In the connection's own thread: a peer that is slow with its handshake holds up nobody."""
        if self.tls is None or not isinstance(request, socket.socket):
            super().finish_request(request, client_address)  # type: ignore[arg-type]
            return
        with self.tls.wrap_socket(request, server_side=True) as secured:
            super().finish_request(secured, client_address)

    def handle_error(self, request: object, client_address: object) -> None:
        """A peer that was killed in the middle of its request is no news; what failed must not be printed, it may hold a card."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except (ConnectionError, TimeoutError):
            self.close_connection = True

    def _serve(self) -> None:
        parts = urlsplit(self.path)
        request = Request(self.command, parts.path, parts.query, _lowered(self.headers), self._body())
        reply = self.server.take(request)
        if reply is None:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        head = [
            f"HTTP/1.1 {reply.status} Answer",
            f"Content-Type: {reply.content_type}",
            f"Content-Length: {len(reply.body)}",
            *(f"{name}: {value}" for name, value in reply.headers.items()),
        ]
        self.wfile.write("\r\n".join(head).encode("latin-1") + b"\r\n\r\n" + reply.body)

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            return self._chunks()
        return self.rfile.read(min(int(self.headers.get("Content-Length") or 0), MAX_BODY))

    def _chunks(self) -> bytes:
        body = b""
        while (size := int(self.rfile.readline().partition(b";")[0], 16)) and len(body) < MAX_BODY:
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = _serve  # noqa: N815 - the names that http.server looks for

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is http.server's
        """Nothing is logged."""


def _lowered(headers: Message) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}
