"""The `Idempotency-Key` header of a route: required where a second act would cost, welcome on every other change."""

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Header, Request, Response

from tonevault.desk.idempotency.service import MAX_KEY, IdempotencyService, KeyedRequest
from tonevault.desk.json_text import to_json
from tonevault.desk.refusal import FieldFault, Refusal
from tonevault.kernel.ids import AccountId

KeyHeader = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        description="Any unique text of at most 255 characters, such as a UUID; kept for 24 hours.",
    ),
]


RequiredKeyHeader = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        description="Required. Any unique text of at most 255 characters, such as a UUID; kept for 24 hours.",
    ),
]
"""Not required in FastAPI's sense, so that its absence gets a code of its own."""


class Once:
    """The request at hand, to be carried out once."""

    def __init__(self, service: IdempotencyService, request: KeyedRequest | None) -> None:
        self._service = service
        self._request = request

    async def answer(
        self, account_id: AccountId, act: Callable[[str], Awaitable[object]], status: int = 200
    ) -> Response:
        """The response of `act`, which gets the letters of the id that it is to make."""
        if self._request is None:
            body = to_json(await act(self._service.fresh_letters()))
            return Response(body, status, media_type="application/json")
        stored = await self._service.once(account_id, self._request, status, act)
        return Response(stored.body, stored.status, media_type="application/json")


class Idempotency:
    """Makes the dependencies that routes take: `required` or `welcome`."""

    def __init__(self, service: IdempotencyService) -> None:
        self._service = service

    async def required(self, request: Request, key: RequiredKeyHeader = None) -> Once:
        """Refuses a request without a key."""
        if not key:
            detail = "Idempotency-Key: is required; send a fresh UUID for each new act and the same one when you retry."
            fault = FieldFault("Idempotency-Key", "required", "is required")
            raise Refusal(422, "idempotency_key_required", detail, errors=(fault,))
        return await self._once(request, key)

    async def welcome(self, request: Request, key: KeyHeader = None) -> Once:
        """Takes a request with or without a key."""
        return await self._once(request, key) if key else Once(self._service, None)

    async def _once(self, request: Request, key: str) -> Once:
        if len(key) > MAX_KEY:
            fault = FieldFault("Idempotency-Key", "max_length", f"must have at most {MAX_KEY} characters")
            raise Refusal(422, "invalid_request", f"{fault.field}: {fault.detail}", errors=(fault,))
        keyed = KeyedRequest(key, request.method, request.url.path, await request.body())
        return Once(self._service, keyed)
