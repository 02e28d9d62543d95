"""The door of every route: an API key or a log-in cookie, the right scope, and for cookies proof that our own page asks."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Final

from fastapi import Depends, Request, Response
from fastapi.security import APIKeyCookie, HTTPBearer

from tonevault.desk.people.log_ins import LIFETIME, LogInService, same_token
from tonevault.desk.people.model import Principal, Scope
from tonevault.desk.people.secret import Secret
from tonevault.desk.people.service import PeopleService
from tonevault.desk.refusal import Refusal

COOKIE: Final = "tonevault_log_in"
CSRF_HEADER: Final = "X-CSRF-Token"
_SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})

_bearer = HTTPBearer(auto_error=False, scheme_name="api_key", description="`Authorization: Bearer tv_…`")
_cookie = APIKeyCookie(
    name=COOKIE, auto_error=False, scheme_name="log_in", description="The panel's log-in, with X-CSRF-Token."
)


class Guard:
    """Says who asks, or refuses with 401 or 403."""

    def __init__(self, people: PeopleService, log_ins: LogInService, *, secure_cookies: bool) -> None:
        self._people = people
        self._log_ins = log_ins
        self._secure_cookies = secure_cookies

    async def find(self, request: Request) -> Principal | None:
        """Whoever asks, or None. An Authorization header counts alone: a bad one is not made good by a cookie."""
        header = request.headers.get("authorization")
        if header is not None:
            scheme, _, credentials = header.partition(" ")
            return await self._people.who(credentials.strip()) if scheme.lower() == "bearer" else None
        cookie = request.cookies.get(COOKIE)
        return None if cookie is None else await self._log_ins.who(cookie)

    async def require(self, request: Request, scope: Scope | None) -> Principal:
        """Whoever asks, if the scope (None: any) is held; mutating requests by cookie must carry the CSRF token in its header."""
        principal = await self.find(request)
        if principal is None:
            raise Refusal(
                401,
                "authentication_required",
                "Send an API key as `Authorization: Bearer tv_…`, or log in. The key or log-in sent, if any, opens nothing.",
            )
        if principal.csrf_token is not None and request.method not in _SAFE_METHODS:
            self.require_csrf(principal, request.headers.get(CSRF_HEADER))
        if scope is not None and not principal.may(scope):
            raise Refusal(
                403, "permission_denied", f"This needs the scope {scope}.", facts={"required_scope": scope}
            )
        return principal

    def require_csrf(self, principal: Principal, token: str | None) -> None:
        """Refuse a request by cookie that does not carry its log-in's token; forms send it in a field of their own."""
        if not same_token(token, principal.csrf_token):
            raise Refusal(
                403,
                "csrf_token_wrong",
                f"Requests by log-in must send {CSRF_HEADER}; reload the page and try again.",
            )

    def needs(self, scope: Scope | None) -> Callable[..., Awaitable[Principal]]:
        """A FastAPI dependency that answers the Principal of a request which may do this."""

        async def guarded(
            request: Request,
            bearer: Annotated[object, Depends(_bearer)],  # noqa: ARG001 - names the scheme in the OpenAPI document
            cookie: Annotated[object, Depends(_cookie)],  # noqa: ARG001 - the same
        ) -> Principal:
            return await self.require(request, scope)

        return guarded

    def set_cookie(self, response: Response, secret: Secret) -> None:
        """Give the browser its log-in: out of reach of scripts and of other sites."""
        response.set_cookie(
            COOKIE,
            secret.text,
            max_age=int(LIFETIME.total_seconds()),
            httponly=True,
            secure=self._secure_cookies,
            samesite="lax",
            path="/",
        )

    def clear_cookie(self, response: Response) -> None:
        """Take it back."""
        response.delete_cookie(COOKIE, httponly=True, secure=self._secure_cookies, samesite="lax", path="/")
