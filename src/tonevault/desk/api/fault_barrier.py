"""Where unforeseen exceptions end: the client gets a problem document, the log their kind and place, nobody their message."""

import traceback
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tonevault.desk.refusal import Refusal
from tonevault.desk.web.problem import problem
from tonevault.plumbing.log import get_logger

_INTERNAL_ERROR: Final = Refusal(
    500,
    "internal_error",
    "The desk could not do this; its log says where. Try again with the same Idempotency-Key.",
)

_log = get_logger("desk.api")


class FaultBarrier:
    """ASGI middleware. Outside of it the server would print the whole traceback, whose last line may repeat what was sent."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on; answer 500 for what fails before its answer has begun."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = False

        async def watch(message: Message) -> None:
            nonlocal begun
            begun = begun or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, watch)
        except Exception as error:  # noqa: BLE001 - this is where every one of them ends
            _log.error("request_failed", fault=type(error).__name__, at=_place(error), method=scope["method"])
            if not begun:
                await problem(_INTERNAL_ERROR)(scope, receive, send)


def _place(error: BaseException) -> str:
    """The innermost lines of code, without a word of the message."""
    frames = traceback.extract_tb(error.__traceback__)[-3:]
    return " < ".join(f"{frame.name}:{frame.lineno}" for frame in reversed(frames))
