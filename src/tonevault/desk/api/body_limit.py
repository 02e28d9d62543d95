"""How much of a body is read: refused by its announced length, or at the byte that is too many where none was announced."""

from typing import Final

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tonevault.desk.refusal import Refusal
from tonevault.desk.web.problem import problem

MAX_BODY_BYTES: Final = 64 * 1024
"""Ten times the largest request that any route takes."""

_TOO_LARGE: Final = Refusal(413, "body_too_large", f"The body may have at most {MAX_BODY_BYTES} bytes.")


class BodyLimit:
    """ASGI middleware. Stands inside of the exception handlers' reach, so that both refusals are problem documents."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what is short enough."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        announced = Headers(scope=scope).get("content-length", "0")
        if not announced.isdigit() or int(announced[:12]) > MAX_BODY_BYTES:
            await problem(_TOO_LARGE)(scope, receive, send)
            return
        taken = 0

        async def counted() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > MAX_BODY_BYTES:
                raise HTTPException(413)
            return message

        await self._app(scope, counted, send)
