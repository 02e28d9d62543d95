"""The desk's client of the secure zone, against servers that misbehave: whatever comes back, it is a refusal or unreachable."""

import asyncio
from collections.abc import AsyncIterator, Callable

import httpx
import pytest

from tonevault.boundary.interface import SILENCE_LIMIT_S
from tonevault.boundary.notices import CallChanged, Ping
from tonevault.boundary.problems import SecureZoneError, SecureZoneUnreachableError
from tonevault.desk.secure_zone import HttpSecureZone
from tonevault.kernel.ids import SessionId
from tonevault.testing.secure_zone import FakeSecureZone

SESSION = SessionId("ps_" + "s" * 28)


def client(answer: Callable[[httpx.Request], httpx.Response]) -> HttpSecureZone:
    transport = httpx.MockTransport(answer)
    return HttpSecureZone(httpx.AsyncClient(transport=transport, base_url="http://secure-zone"))


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, b""),
        (200, b"{}"),
        (200, b"<html>"),
        (200, b'{"session_id": "ps_1"}'),
        (500, b"Internal Server Error"),
        (502, b""),
        (302, b""),
    ],
)
def test_an_answer_that_is_none_is_unreachable(status: int, body: bytes) -> None:
    zone = client(lambda _: httpx.Response(status, content=body))
    with pytest.raises(SecureZoneUnreachableError, match="version"):
        asyncio.run(zone.capture(SESSION))
    with pytest.raises(SecureZoneUnreachableError, match="version"):
        asyncio.run(zone.calls())


def test_a_refusal_keeps_status_code_and_sentence() -> None:
    problem = b'{"code": "session_over", "detail": "open a new one"}'
    zone = client(lambda _: httpx.Response(409, content=problem))
    with pytest.raises(SecureZoneError) as caught:
        asyncio.run(zone.complete(SESSION))
    assert (caught.value.status, caught.value.code, caught.value.detail) == (
        409,
        "session_over",
        "open a new one",
    )


@pytest.mark.parametrize(
    "error", [httpx.ConnectError, httpx.ReadTimeout, httpx.RemoteProtocolError, httpx.PoolTimeout]
)
def test_silence_and_broken_connections_are_unreachable(error: type[httpx.TransportError]) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        raise error("4242424242424242")

    with pytest.raises(SecureZoneUnreachableError) as caught:
        asyncio.run(client(answer).complete(SESSION))
    assert "4242" not in str(caught.value)
    assert caught.value.__suppress_context__


class Stream(httpx.AsyncByteStream):
    """A body that comes in parts, and may break."""

    def __init__(self, parts: list[bytes | Exception]) -> None:
        self._parts = parts

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for part in self._parts:
            if isinstance(part, Exception):
                raise part
            yield part


def heard(*parts: bytes | Exception) -> tuple[list[object], str]:
    """The notices of a stream, and how it ended."""

    async def story() -> tuple[list[object], str]:
        notices: list[object] = []
        zone = client(lambda _: httpx.Response(200, stream=Stream(list(parts))))
        try:
            async with zone.notices() as stream:
                async for notice in stream:
                    notices.append(notice)  # noqa: PERF401 - what was heard before the end counts
        except SecureZoneUnreachableError as error:
            return notices, str(error)
        return notices, "quiet end"

    return asyncio.run(story())


def test_lines_are_put_together_from_any_parts() -> None:
    call = CallChanged(call=FakeSecureZone().ring())
    wire = (call.model_dump_json() + "\n" + Ping().model_dump_json() + "\n").encode()
    for size in (1, 7, 1000):
        notices, end = heard(*(wire[at : at + size] for at in range(0, len(wire), size)))
        assert notices == [call, Ping()]
        assert "does not answer" in end


def test_a_stream_that_breaks_or_falls_silent_is_unreachable() -> None:
    assert SILENCE_LIMIT_S == 15
    for error in (httpx.ReadTimeout("silent"), httpx.ReadError("broken")):
        notices, end = heard(b'{"kind":"ping"}\n', error)
        assert notices == [Ping()]
        assert "does not answer" in end


def test_a_stream_of_something_else() -> None:
    assert "version" in heard(b'{"kind":"card"}\n')[1]
    assert "version" in heard(b"x" * 100_000)[1]
