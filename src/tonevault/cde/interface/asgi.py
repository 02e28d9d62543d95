"""The shape of an ASGI application, with types of our own: requests come as plain values, so that no framework repeats their input."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Final

from tonevault.boundary.interface import MAX_BODY_BYTES
from tonevault.boundary.problems import SecureZoneError

Scope = Mapping[str, object]
Receive = Callable[[], Awaitable[Mapping[str, object]]]
Send = Callable[[Mapping[str, object]], Awaitable[None]]

JSON: Final = "application/json"


class ClientGoneError(Exception):
    """The client closed the connection before it had sent its request."""


def header(scope: Scope, name: bytes) -> bytes:
    """One request header, empty when absent; `name` in lower case."""
    headers = scope.get("headers")
    if isinstance(headers, Iterable):
        for key, value in headers:
            if key == name:
                return bytes(value)
    return b""


async def read_body(receive: Receive) -> bytes:
    """The whole body. Raises SecureZoneError `body_too_large` past MAX_BODY_BYTES, and ClientGoneError."""
    body = b""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGoneError
        part = message.get("body", b"")
        if isinstance(part, bytes):
            body += part
        if len(body) > MAX_BODY_BYTES:
            raise SecureZoneError(413, "body_too_large", f"body: must not exceed {MAX_BODY_BYTES} bytes")
        if not message.get("more_body", False):
            return body


async def wait_for_disconnect(receive: Receive) -> None:
    """Return once the client is gone."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def start_response(send: Send, status: int, media_type: str, length: int | None = None) -> None:
    """Status and headers; nothing that this interface says may be kept by a cache."""
    headers = [(b"content-type", media_type.encode()), (b"cache-control", b"no-store")]
    if length is not None:
        headers.append((b"content-length", str(length).encode()))
    await send({"type": "http.response.start", "status": status, "headers": headers})


async def respond(send: Send, status: int, body: bytes) -> None:
    """A whole JSON answer."""
    await start_response(send, status, JSON, len(body))
    await send({"type": "http.response.body", "body": body})
