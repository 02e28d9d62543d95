"""JSON over HTTPS to one service: an answer, or a silence that says whether the request can have arrived. Never resends, logs no body."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol
from urllib.parse import urlsplit

import httpx

CONNECT_S: Final = 5.0
"""Longest wait for a connection: a service that takes longer is not there."""
MAX_ANSWER_BYTES: Final = 4 * 1024 * 1024
"""A page of a gateway's list of payments has under 1 MiB; more is not an answer to anything that was asked."""
MAX_CONNECTIONS: Final = 50
"""At once to one service; beyond it requests queue for a connection, at most CONNECT_S."""


class Silence(StrEnum):
    """No answer came."""

    NOT_SENT = "not_sent"
    """There was no connection, so the request certainly had no effect."""
    NO_ANSWER = "no_answer"
    """It may have arrived and been carried out."""


class Body(Protocol):
    """A body that is written piece by piece, so that it need never be whole in memory. It can be read once."""

    @property
    def length(self) -> int:
        """Its length in bytes."""

    def pieces(self) -> Iterator[bytes]:
        """The bytes, in order."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer: the HTTP status, and the document (None where the body is not JSON). Not shown by `repr`: it is another's text."""

    status: int
    document: object

    def __repr__(self) -> str:
        return f"Reply(status={self.status})"

    def get(self, *path: str | int) -> object:
        """The value at a path of names and places, None where the document has none."""
        return dig(self.document, *path)


def dig(value: object, *path: str | int) -> object:
    """The value at a path of names and places below a JSON value, None where there is none."""
    for step in path:
        if isinstance(step, str) and isinstance(value, dict):
            value = value.get(step)
        elif isinstance(step, int) and isinstance(value, list) and -len(value) <= step < len(value):
            value = value[step]
        else:
            return None
    return value


class HttpsLine:
    """Connections to one origin, by plain HTTP on this machine alone. Redirects are not followed, proxies and `.netrc` not looked for.

    Whom it trusts: the authorities of `SSL_CERT_FILE` or `SSL_CERT_DIR` where one is set, as every other client of a gateway
    does; else those that browsers trust.
    """

    def __init__(
        self,
        origin: str,
        *,
        timeout_s: float,
        headers: Mapping[str, str],
        auth: tuple[str, str] | None = None,
    ) -> None:
        """`origin`: `https://host[:port]`; `timeout_s` bounds a whole request. Raises ValueError for an origin that is not safe."""
        self.origin = origin.rstrip("/")
        parts = urlsplit(self.origin)
        if parts.scheme != "https" and parts.hostname not in ("127.0.0.1", "::1", "localhost"):
            raise ValueError(
                "url: must begin with https://; card data never travels in the clear (PCI DSS 4.2.1)"
            )
        self._timeout_s = timeout_s
        self._client = httpx.AsyncClient(
            base_url=self.origin,
            headers=dict(headers),
            auth=auth,
            timeout=httpx.Timeout(timeout_s, connect=CONNECT_S, pool=CONNECT_S),
            limits=httpx.Limits(max_connections=MAX_CONNECTIONS),
            # `trust_env` would take proxies and `.netrc` from the environment too; the authorities alone are wanted.
            verify=httpx.create_ssl_context(trust_env=True),
            trust_env=False,
        )

    async def ask(
        self,
        method: str,
        path: str,
        body: Body | bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply | Silence:
        """Send one request. `path` may be a whole URL of this origin; another origin's is not asked."""
        if not path.startswith("/") and not path.startswith(f"{self.origin}/"):
            return Silence.NOT_SENT
        sent = dict(headers or {})
        content: bytes | AsyncIterator[bytes] | None
        if body is None or isinstance(body, bytes):
            content = body
        else:
            sent["Content-Length"] = str(body.length)
            content = _written(body)
        request = self._client.build_request(method, path, content=content, headers=sent)
        try:
            async with asyncio.timeout(self._timeout_s):
                answer = await self._client.send(request, stream=True)
                try:
                    return Reply(answer.status_code, _parse(await _read(answer)))
                finally:
                    await answer.aclose()
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol):
            return Silence.NOT_SENT
        except (httpx.HTTPError, TimeoutError):
            return Silence.NO_ANSWER

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()


async def _written(body: Body) -> AsyncIterator[bytes]:
    for piece in body.pieces():
        yield piece


async def _read(answer: httpx.Response) -> bytes:
    taken = bytearray()
    async for part in answer.aiter_bytes():
        taken += part
        if len(taken) > MAX_ANSWER_BYTES:
            raise httpx.DecodingError("an answer larger than any that was asked for")
    return bytes(taken)


def _parse(content: bytes) -> object:
    try:
        return json.loads(content) if content else None
    except ValueError:
        return None
