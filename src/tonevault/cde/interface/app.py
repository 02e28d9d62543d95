"""The narrow interface as an ASGI application: authenticates, finds the route, answers. Nothing of a request is logged or repeated."""

import hmac
from collections.abc import Mapping

from tonevault.boundary.interface import MIN_TOKEN_CHARS
from tonevault.boundary.problems import Problem, SecureZoneError, SecureZoneUnreachableError
from tonevault.boundary.secure_zone import SecureZone
from tonevault.cde.capture.notice_board import TooManyListenersError
from tonevault.cde.interface.asgi import ClientGoneError, Receive, Scope, Send, header, read_body, respond
from tonevault.cde.interface.notice_stream import stream_notices
from tonevault.cde.interface.routes import Parts, Route, find
from tonevault.plumbing.log import get_logger

log = get_logger(__name__)


class BoundaryApp:
    """Serves any SecureZone to whoever has the bearer token."""

    def __init__(self, zone: SecureZone, token: str) -> None:
        """`token` is the secret that both zones share. Raises ValueError for one that could be guessed."""
        if len(token) < MIN_TOKEN_CHARS:
            raise ValueError(
                f"boundary_secret: must have at least {MIN_TOKEN_CHARS} characters; make it with `openssl rand -hex 32`"
            )
        self._zone = zone
        self._expected = b"Bearer " + token.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One HTTP request. Other kinds of connection are refused."""
        if scope["type"] != "http":
            raise RuntimeError("the narrow interface speaks HTTP alone")
        started = False

        async def tell(message: Mapping[str, object]) -> None:
            nonlocal started
            started = True
            await send(message)

        refusal = await self._try(scope, receive, tell)
        # A stream that fails in the middle just ends: its client takes that for what it is.
        if refusal is not None and not started:
            problem = Problem(code=refusal.code, detail=refusal.detail)
            await respond(send, refusal.status, problem.model_dump_json().encode())

    async def _try(self, scope: Scope, receive: Receive, send: Send) -> SecureZoneError | None:
        try:
            await self._answer(scope, receive, send)
        except SecureZoneError as error:
            return error
        except TooManyListenersError:
            return SecureZoneError(
                503, "too_many_listeners", "notices: close streams that nobody reads, then open one again"
            )
        except SecureZoneUnreachableError:
            return SecureZoneError(503, "unavailable", "the secure zone is not up; try again in a moment")
        except ClientGoneError:
            return None
        except Exception as error:  # noqa: BLE001 - an answer without content is better than a traceback with it
            log.error("a command failed", error=type(error).__name__, at=_place(error))  # noqa: TRY400
            return SecureZoneError(500, "internal_error", "the command failed; see the secure zone's log")
        return None

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        route, parts = self._admit(scope)
        if route.answer is None:
            await stream_notices(self._zone, receive, send)
            return
        body = await read_body(receive)
        await respond(send, 200, await route.answer(self._zone, parts, body))

    def _admit(self, scope: Scope) -> tuple[Route, Parts]:
        """Who does not have the token learns nothing but whether we are up."""
        is_known = hmac.compare_digest(header(scope, b"authorization"), self._expected)
        try:
            route, parts = find(str(scope["method"]), str(scope["path"]))
        except SecureZoneError:
            if is_known:
                raise
        else:
            if is_known or route.is_open:
                return route, parts
        raise SecureZoneError(
            401, "unauthorised", "authorization: must be the bearer token that both zones share"
        )


def _place(error: Exception) -> str:
    """Module and line at which an error arose: enough to find it, with nothing of its message."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return "" if trace is None else f"{trace.tb_frame.f_globals.get('__name__', '')}:{trace.tb_lineno}"
