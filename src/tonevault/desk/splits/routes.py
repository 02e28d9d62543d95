"""`/v1/splits`: one amount over several cards."""

from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import Field

from tonevault.desk.paging import Page
from tonevault.desk.path_ids import SPLIT_ID
from tonevault.desk.payments.currencies import CurrenciesOf, taken_money
from tonevault.desk.people.door import Command, Door
from tonevault.desk.people.model import Principal, Scope
from tonevault.desk.refusal import invalid
from tonevault.desk.splits.model import Split
from tonevault.desk.splits.service import Share, SplitService
from tonevault.desk.web.answer import answer
from tonevault.desk.web.clean_text import Body, CleanWords
from tonevault.desk.web.money import AmountMinor, Currency
from tonevault.desk.web.paged import Paged
from tonevault.kernel.ids import SPLIT, AccountId, TokenId
from tonevault.kernel.money import MAX_AMOUNT_MINOR


class PartCreate(Body):
    """What one card is to pay."""

    token: Annotated[str, Field(pattern=r"^tok_[a-z]{28}$")]
    amount: AmountMinor


class SplitCreate(Body):
    """One amount over two to ten cards, each named once."""

    parts: Annotated[tuple[PartCreate, ...], Field(min_length=2, max_length=10)]
    currency: Currency
    description: CleanWords = ""

    def shares(self, account_id: AccountId, currencies_of: CurrenciesOf) -> tuple[Share, ...]:
        """As the service takes them."""
        if len({part.token for part in self.parts}) != len(self.parts):
            raise invalid("parts", "unique", "must name each token once")
        total = sum(part.amount for part in self.parts)
        if total > MAX_AMOUNT_MINOR:
            raise invalid("parts", "maximum", f"must come to at most {MAX_AMOUNT_MINOR} in all")
        taken_money(currencies_of, account_id, total, self.currency)
        return tuple(Share(TokenId(part.token), part.amount) for part in self.parts)


def split_routes(splits: SplitService, door: Door, currencies_of: CurrenciesOf) -> APIRouter:
    """The routes of splits."""
    router = APIRouter(prefix="/splits", tags=["charges"])

    @router.post("", status_code=201, response_model=Split)
    async def create_split(
        command: Annotated[Command, door.writer(Scope.CHARGES_WRITE)],
        body: SplitCreate,
    ) -> Response:
        """Charge all of the parts or none: each is held first, and taken when all are held.

        `failed`: one could not be had, and what was held or taken of the others was let go; a part that could not be is
        `unresolved`. `pending`: a gateway fell silent; the rest comes by itself, as an event.
        """
        account_id, shares = command.account_id, body.shares(command.account_id, currencies_of)
        return await command.made(
            lambda letters: splits.create(
                account_id,
                f"{SPLIT}_{letters}",
                shares,
                body.currency,
                description=body.description,
                actor=command.actor,
            )
        )

    @router.get("", response_model=Page[Split])
    async def list_splits(
        principal: Annotated[Principal, door.reader(Scope.CHARGES_READ)], page: Paged
    ) -> Response:
        """Splits, newest first."""
        return answer(await splits.page(principal.account_id, page))

    @router.get("/{split_id}", response_model=Split)
    async def get_split(
        principal: Annotated[Principal, door.reader(Scope.CHARGES_READ)], split_id: str
    ) -> Response:
        """One split, with what every part came to."""
        return answer(await splits.get(principal.account_id, SPLIT_ID.read(split_id)))

    return router
