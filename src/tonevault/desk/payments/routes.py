"""`/v1/tokens` and `/v1/charges`."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response
from pydantic import Field

from tonevault.desk.idempotency.header import Idempotency, Once
from tonevault.desk.paging import Page
from tonevault.desk.payments.charges import ChargeService
from tonevault.desk.payments.model import CardToken, Charge
from tonevault.desk.payments.tokens import TokenService
from tonevault.desk.people.guard import Guard
from tonevault.desk.people.model import Principal, Scope
from tonevault.desk.refusal import not_found
from tonevault.desk.web.answer import answer
from tonevault.desk.web.clean_text import Body, CleanWords
from tonevault.desk.web.money import AmountMinor, Currency, money
from tonevault.desk.web.paged import Paged
from tonevault.kernel.ids import CHARGE, TOKEN, ChargeId, CustomerId, SessionId, TokenId, is_id

CustomerFilter = Annotated[
    str | None, Query(pattern=r"^cus_[a-z]{28}$", description="Only those of this customer.")
]


class ChargeCreate(Body):
    """Charge a token: `amount` in minor units (12.50 GBP is 1250)."""

    token: Annotated[str, Field(pattern=r"^tok_[a-z]{28}$")]
    amount: AmountMinor
    currency: Currency
    description: CleanWords = ""


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


def charge_routes(charges: ChargeService, guard: Guard, idempotency: Idempotency) -> APIRouter:
    """The routes of charges."""
    router = APIRouter(prefix="/charges", tags=["charges"])

    @router.post("", status_code=201, response_model=Charge)
    async def create_charge(
        principal: Annotated[Principal, Depends(guard.needs(Scope.CHARGES_WRITE))],
        once: Annotated[Once, Depends(idempotency.required)],
        body: ChargeCreate,
    ) -> Response:
        """Charge a token. Every charge that was made is answered with 201 and its `state`: a decline is a result.

        `pending` or `unknown` means that the result is still to come, as an event and at `GET /v1/charges/{id}`.
        A token that is not active makes no charge: 409 `token_not_chargeable` with `token_state`.
        """
        account_id, amount = principal.account_id, money(body.amount, body.currency)
        return await once.answer(
            account_id,
            lambda letters: charges.create(
                account_id,
                ChargeId(f"{CHARGE}_{letters}"),
                TokenId(body.token),
                amount,
                description=body.description,
                actor=principal.actor,
            ),
            201,
        )

    @router.get("", response_model=Page[Charge])
    async def list_charges(
        principal: Annotated[Principal, Depends(guard.needs(Scope.CHARGES_READ))],
        page: Paged,
        customer_id: CustomerFilter = None,
        session_id: Annotated[
            str | None, Query(pattern=r"^ps_[a-z]{28}$", description="Only that of this session.")
        ] = None,
    ) -> Response:
        """Charges, newest first."""
        customer = None if customer_id is None else CustomerId(customer_id)
        session = None if session_id is None else SessionId(session_id)
        return answer(await charges.page(principal.account_id, page, customer, session))

    @router.get("/{charge_id}", response_model=Charge)
    async def get_charge(
        principal: Annotated[Principal, Depends(guard.needs(Scope.CHARGES_READ))], charge_id: str
    ) -> Response:
        """One charge."""
        if not is_id(charge_id, CHARGE):
            raise not_found("charge")
        return answer(await charges.get(principal.account_id, ChargeId(charge_id)))

    return router
