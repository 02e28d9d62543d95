"""The line to a service: what came back, or whether what was sent can have arrived."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from tonevault.plumbing.https_line import HttpsLine, Reply, Silence, dig

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def ask(serve: Serve, path: str = "/x", body: bytes | None = None, timeout_s: float = 5.0) -> Reply | Silence:
    async def whole() -> Reply | Silence:
        served: list[asyncio.Task[None]] = []

        async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                await serve(reader, writer)
            finally:
                writer.close()
                await asyncio.gather(writer.wait_closed(), return_exceptions=True)

        def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            served.append(asyncio.create_task(one(reader, writer)))

        server = await asyncio.start_server(accept, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        line = HttpsLine(f"http://127.0.0.1:{port}/", timeout_s=timeout_s, headers={})
        try:
            return await line.ask("POST", path.replace("ORIGIN", line.origin), body)
        finally:
            await line.close()
            await asyncio.gather(*served)
            server.close()

    return asyncio.run(whole())


def answering(answer: bytes) -> Serve:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)

    return serve


def http(status: int, body: bytes) -> bytes:
    return b"HTTP/1.1 %d X\r\nContent-Length: %d\r\nLocation: /y\r\n\r\n" % (status, len(body)) + body


def test_an_answer_and_its_document() -> None:
    reply = ask(answering(http(201, b'{"a": [{"b": 1}]}')))
    assert isinstance(reply, Reply)
    assert (reply.status, reply.get("a", 0, "b"), reply.get("a", 1), reply.get("b")) == (201, 1, None, None)
    assert repr(reply) == "Reply(status=201)"


@pytest.mark.parametrize("body", [b"", b"<html>", b"\xff"])
def test_what_is_no_json_has_no_document(body: bytes) -> None:
    reply = ask(answering(http(200, body)))
    assert isinstance(reply, Reply)
    assert reply.document is None


def test_a_redirect_is_an_answer_and_not_followed() -> None:
    reply = ask(answering(http(302, b"{}")))
    assert isinstance(reply, Reply)
    assert reply.status == 302


@pytest.mark.parametrize(
    "answer", [b"", b"HTTP/1.1 200 X\r\nContent-Length: 9\r\n\r\n{", b"nonsense\r\n\r\n", http(200, b"1" * 5_000_000)]
)  # fmt: skip
def test_an_answer_that_breaks_off_is_silence(answer: bytes) -> None:
    assert ask(answering(answer)) is Silence.NO_ANSWER


def test_a_service_that_is_too_slow_is_silence() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    assert ask(serve, timeout_s=0.2) is Silence.NO_ANSWER


def test_another_origin_is_not_asked() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        raise AssertionError("was asked")

    for path in ("http://127.0.0.1:1/x", "ORIGIN.example/x", "x"):
        assert ask(serve, path) is Silence.NOT_SENT
    assert ask(answering(http(200, b"{}")), "ORIGIN/x") == Reply(200, {})


def test_nobody_there_was_sent_nothing() -> None:
    async def whole() -> Reply | Silence:
        server = await asyncio.start_server(answering(b""), "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        server.close()
        await server.wait_closed()
        line = HttpsLine(f"http://127.0.0.1:{port}", timeout_s=5, headers={})
        try:
            return await line.ask("GET", "/x")
        finally:
            await line.close()

    assert asyncio.run(whole()) is Silence.NOT_SENT


def test_card_data_never_travels_in_the_clear() -> None:
    with pytest.raises(ValueError, match="https://"):
        HttpsLine("http://gateway.example", timeout_s=5, headers={})


def test_digging() -> None:
    assert dig({"a": {"b": 2}}, "a", "b") == 2
    assert dig([1, 2], -1) == 2
    assert dig([1, 2], 2) is None
    assert dig("text", "a") is None
