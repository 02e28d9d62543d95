"""`/v1/tokens`."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from tonevault.desk.idempotency.header import Idempotency, Once
from tonevault.desk.paging import Page
from tonevault.desk.payments.model import CardToken
from tonevault.desk.payments.tokens import TokenService
from tonevault.desk.people.guard import Guard
from tonevault.desk.people.model import Principal, Scope
from tonevault.desk.refusal import not_found
from tonevault.desk.web.answer import answer
from tonevault.desk.web.paged import Paged
from tonevault.kernel.ids import TOKEN, CustomerId, TokenId, is_id

CustomerFilter = Annotated[
    str | None, Query(pattern=r"^cus_[a-z]{28}$", description="Only those of this customer.")
]


def _token_id(text: str) -> TokenId:
    if not is_id(text, TOKEN):
        raise not_found("token")
    return TokenId(text)


def token_routes(tokens: TokenService, guard: Guard, idempotency: Idempotency) -> APIRouter:
    """The routes of tokens."""
    router = APIRouter(prefix="/tokens", tags=["tokens"])

    @router.get("", response_model=Page[CardToken])
    async def list_tokens(
        principal: Annotated[Principal, Depends(guard.needs(Scope.TOKENS_READ))],
        page: Paged,
        customer_id: CustomerFilter = None,
    ) -> Response:
        """Tokens, newest first."""
        customer = None if customer_id is None else CustomerId(customer_id)
        return answer(await tokens.page(principal.account_id, page, customer))

    @router.get("/{token_id}", response_model=CardToken)
    async def get_token(
        principal: Annotated[Principal, Depends(guard.needs(Scope.TOKENS_READ))], token_id: str
    ) -> Response:
        """One token in its present state."""
        return answer(await tokens.get(principal.account_id, _token_id(token_id)))

    @router.post("/{token_id}/revoke", response_model=CardToken)
    async def revoke_token(
        principal: Annotated[Principal, Depends(guard.needs(Scope.TOKENS_WRITE))],
        once: Annotated[Once, Depends(idempotency.welcome)],
        token_id: str,
    ) -> Response:
        """End a token for good; the card is shredded in the vault."""
        known = _token_id(token_id)
        return await once.answer(
            principal.account_id, lambda _: tokens.revoke(principal.account_id, known, principal.actor)
        )

    return router
