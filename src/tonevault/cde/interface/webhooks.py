"""Where gateways' webhooks arrive: `POST /gateways/{gateway}/{account}/webhook`. Believes a signature alone, and logs no body."""

import json
import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Final, Protocol

from tonevault.cde.charging.hints import Heard, NoSuchWebhookError
from tonevault.cde.gateway import WebhookRefusedError
from tonevault.cde.interface.asgi import ClientGoneError, Receive, Scope, Send
from tonevault.kernel.ids import ACCOUNT_PATTERN, AccountId
from tonevault.plumbing.log import get_logger

MAX_WEBHOOK_BYTES: Final = 262_144
"""The largest event that Stripe, Braintree or Worldpay sends is far below; a stranger's flood is not read."""
MAX_HEADERS: Final = 64
_PATH: Final = re.compile(rf"/gateways/([a-z][a-z_-]{{0,46}}[a-z])/({ACCOUNT_PATTERN.strip('^$')})/webhook")

log = get_logger(__name__)


class Hearing(Protocol):
    """Who takes webhooks in. Implemented by `charging.hints.GatewayHints`."""

    async def receive(
        self, account: AccountId, gateway_name: str, headers: Mapping[str, str], body: bytes
    ) -> Heard:
        """Raises NoSuchWebhookError, WebhookRefusedError."""


class _Refused(Exception):  # noqa: N818 - an answer, not a fault
    """A request that is not taken in."""

    def __init__(self, status: int, code: str, field: str, detail: str) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.field = field
        self.detail = detail


class GatewayWebhookApp:
    """An ASGI application of one address. Carries no card data, but stands in the secure zone, which holds the gateways' secrets."""

    def __init__(self, hearing: Hearing) -> None:
        self._hearing = hearing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One HTTP request; other kinds of connection are refused."""
        if scope["type"] != "http":
            raise RuntimeError("webhooks come by HTTP alone")
        try:
            status, document = await self._answer(scope, receive)
        except ClientGoneError:
            return
        except _Refused as refused:
            status, document = refused.status, _problem(refused)
        except Exception as error:  # noqa: BLE001 - a database that is away, say: the gateway sends it again later
            log.error("a webhook could not be taken in", error=type(error).__name__)  # noqa: TRY400
            later = _Refused(
                503, "unavailable", "", "The webhook could not be taken in; send it again later."
            )
            status, document = later.status, _problem(later)
        await _respond(send, status, document)

    async def _answer(self, scope: Scope, receive: Receive) -> tuple[int, dict[str, object]]:
        there = _PATH.fullmatch(str(scope["path"]))
        if there is None:
            raise _not_here()
        if scope["method"] != "POST":
            raise _Refused(405, "method_not_allowed", "method", "must be POST")
        gateway, account = there[1], AccountId(there[2])
        body = await _read(receive)
        try:
            heard = await self._hearing.receive(account, gateway, _headers(scope), body)
        except NoSuchWebhookError:
            raise _not_here() from None
        except WebhookRefusedError as refused:
            log.warning("a webhook was refused", account=account, gateway=gateway, reason=refused.reason)
            field, _, detail = refused.reason.partition(": ")
            raise _Refused(400, "webhook_refused", field if detail else "", detail or field) from None
        return 200, {"received": True, "fresh": heard.fresh}


def _not_here() -> _Refused:
    return _Refused(
        404, "not_found", "path", "must be /gateways/GATEWAY/ACCOUNT/webhook of an account with that gateway"
    )


def _headers(scope: Scope) -> dict[str, str]:
    """By name in lower case, as HTTP has them: the first of each counts."""
    found: dict[str, str] = {}
    raw = scope.get("headers")
    if isinstance(raw, (list, tuple)):
        for name, value in raw[:MAX_HEADERS]:
            found.setdefault(bytes(name).decode("latin-1").lower(), bytes(value).decode("latin-1"))
    return found


async def _read(receive: Receive) -> bytes:
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGoneError
        part = message.get("body", b"")
        if isinstance(part, bytes):
            body += part
        if len(body) > MAX_WEBHOOK_BYTES:
            raise _Refused(413, "body_too_large", "body", f"must not exceed {MAX_WEBHOOK_BYTES} bytes")
        if not message.get("more_body", False):
            return bytes(body)


def _problem(refused: _Refused) -> dict[str, object]:
    """RFC 9457. Nothing of the request is repeated."""
    named = f"{refused.field}: {refused.detail}" if refused.field else refused.detail
    document: dict[str, object] = {
        "type": f"urn:tonevault:problem:{refused.code}",
        "title": HTTPStatus(refused.status).phrase,
        "status": refused.status,
        "detail": named,
        "code": refused.code,
    }
    if refused.field:
        document["errors"] = [{"field": refused.field, "rule": refused.code, "detail": refused.detail}]
    return document


async def _respond(send: Send, status: int, document: dict[str, object]) -> None:
    body = json.dumps(document).encode()
    media_type = b"application/json" if status == HTTPStatus.OK else b"application/problem+json"
    headers = [
        (b"content-type", media_type),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
