"""`/v1/tokens`."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from tonevault.desk.paging import Page
from tonevault.desk.path_ids import TOKEN_ID
from tonevault.desk.payments.model import CardToken
from tonevault.desk.payments.tokens import TokenService
from tonevault.desk.people.door import Command, Door
from tonevault.desk.people.model import Principal, Scope
from tonevault.desk.web.answer import answer
from tonevault.desk.web.paged import Paged
from tonevault.kernel.ids import CustomerId

CustomerFilter = Annotated[
    str | None, Query(pattern=r"^cus_[a-z]{28}$", description="Only those of this customer.")
]


def token_routes(tokens: TokenService, door: Door) -> APIRouter:
    """The routes of tokens."""
    router = APIRouter(prefix="/tokens", tags=["tokens"])

    @router.get("", response_model=Page[CardToken])
    async def list_tokens(
        principal: Annotated[Principal, door.reader(Scope.TOKENS_READ)],
        page: Paged,
        customer_id: CustomerFilter = None,
    ) -> Response:
        """Tokens, newest first."""
        customer = None if customer_id is None else CustomerId(customer_id)
        return answer(await tokens.page(principal.account_id, page, customer))

    @router.get("/{token_id}", response_model=CardToken)
    async def get_token(
        principal: Annotated[Principal, door.reader(Scope.TOKENS_READ)], token_id: str
    ) -> Response:
        """One token in its present state."""
        return answer(await tokens.get(principal.account_id, TOKEN_ID.read(token_id)))

    @router.post("/{token_id}/revoke", response_model=CardToken)
    async def revoke_token(
        command: Annotated[Command, door.writer(Scope.TOKENS_WRITE, key_required=False)],
        token_id: str,
    ) -> Response:
        """End a token for good; the card is shredded in the vault."""
        known = TOKEN_ID.read(token_id)
        return await command.done(lambda: tokens.revoke(command.account_id, known, command.actor))

    return router
