"""The SDK's HTTP strategy, put in by its own extension point: fills blanks while writing, and tells *never left* from silence."""

import ssl
from collections.abc import Mapping
from typing import Final

import httpx

from tonevault.cde.blanks import Blanks, refuse_blanks

CONNECT_S: Final = 5.0
"""A line that takes longer to open will not carry a payment in time."""
KEEP_ALIVE_S: Final = 4.0
"""Connections are let go sooner than any server lets them go: a request on one that is just ending falls silent for nothing."""


class UnsentError(Exception):
    """The request never left: it certainly had no effect."""


class SilenceError(Exception):
    """The request may have arrived; no answer did, or none that can be read."""


class BraintreeLine:
    """Blocking HTTP for the SDK, called from its threads. `certificates`: PEM file of the authorities that Braintree's chain ends at."""

    def __init__(self, blanks: Blanks, timeout_s: float, certificates: str | None, threads: int) -> None:
        self._blanks = blanks
        self._client = httpx.Client(
            verify=ssl.create_default_context(cafile=certificates) if certificates else True,
            timeout=httpx.Timeout(timeout_s, connect=CONNECT_S, pool=CONNECT_S),
            limits=httpx.Limits(max_connections=threads, keepalive_expiry=KEEP_ALIVE_S),
        )

    def http_do(
        self, verb: str, url: str, headers: Mapping[str, str | bytes], body: str | None
    ) -> tuple[int, str]:
        """Send and wait; what the SDK asks of a strategy. Raises UnsentError or SilenceError, which keep nothing of the request."""
        sent = {
            name: value.decode() if isinstance(value, bytes) else value for name, value in headers.items()
        }
        refuse_blanks(url, *sent.values())
        filled = self._blanks.body((body or "").encode())
        if filled.length:
            sent["Content-Length"] = str(filled.length)
        try:
            response = self._client.request(
                verb, url, headers=sent, content=filled.pieces() if filled.length else None
            )
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise UnsentError(type(error).__name__) from None
        except httpx.HTTPError as error:
            raise SilenceError(type(error).__name__) from None
        return response.status_code, response.text

    def close(self) -> None:
        """Release the connections."""
        self._client.close()
