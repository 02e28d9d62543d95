"""`/v1/charges` with its captures, voids and refunds, and `/v1/refunds`."""

from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import Field

from tonevault.boundary.charges import Initiator, Taking
from tonevault.boundary.operations import OperationKind
from tonevault.desk.paging import Page
from tonevault.desk.path_ids import CHARGE_ID, REFUND_ID
from tonevault.desk.payments.charges import ChargeAsked, ChargeService
from tonevault.desk.payments.currencies import CurrenciesOf, taken_money
from tonevault.desk.payments.model import Charge
from tonevault.desk.payments.operation import Operation
from tonevault.desk.payments.operations import Asked, OperationService
from tonevault.desk.payments.routes import CustomerFilter
from tonevault.desk.people.door import Command, Door
from tonevault.desk.people.model import Principal, Scope
from tonevault.desk.web.answer import answer
from tonevault.desk.web.clean_text import Body, CleanWords
from tonevault.desk.web.money import AmountMinor, Currency
from tonevault.desk.web.paged import Paged
from tonevault.kernel.ids import CHARGE, ChargeId, CustomerId, SessionId, TokenId


class ChargeCreate(Body):
    """Charge a token: `amount` in minor units (12.50 GBP is 1250).

    `capture: manual` only holds the money until it is captured or voided. `initiator` is `unscheduled` where the merchant charges
    at need, `recurring` on a schedule of your own, and `customer` where the customer is there and asked for it.
    """

    token: Annotated[str, Field(pattern=r"^tok_[a-z]{28}$")]
    amount: AmountMinor
    currency: Currency
    description: CleanWords = ""
    capture: Taking = Taking.AUTOMATIC
    initiator: Initiator = Initiator.UNSCHEDULED


class CaptureCreate(Body):
    """Without `amount`, all that is held is taken."""

    amount: AmountMinor | None = None


class RefundCreate(Body):
    """Without `amount`, all that is left is given back."""

    amount: AmountMinor | None = None
    reason: CleanWords = ""


def charge_routes(
    charges: ChargeService,
    operations: OperationService,
    door: Door,
    currencies_of: CurrenciesOf,
) -> APIRouter:
    """The routes of charges."""
    router = APIRouter(prefix="/charges", tags=["charges"])

    @router.post("", status_code=201, response_model=Charge)
    async def create_charge(
        command: Annotated[Command, door.writer(Scope.CHARGES_WRITE)],
        body: ChargeCreate,
    ) -> Response:
        """Charge a token. Every charge that was made is answered with 201 and its `state`: a decline is a result.

        `pending` or `unknown` means that the result is still to come, as an event and at `GET /v1/charges/{id}`.
        A token that is not active makes no charge: 409 `token_not_chargeable` with `token_state`.
        """
        account_id = command.account_id
        amount = taken_money(currencies_of, account_id, body.amount, body.currency)
        return await command.made(
            lambda letters: charges.create(
                account_id,
                ChargeId(f"{CHARGE}_{letters}"),
                TokenId(body.token),
                amount,
                asked=ChargeAsked(body.description, body.capture, body.initiator),
                actor=command.actor,
            )
        )

    @router.get("", response_model=Page[Charge])
    async def list_charges(
        principal: Annotated[Principal, door.reader(Scope.CHARGES_READ)],
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
        principal: Annotated[Principal, door.reader(Scope.CHARGES_READ)], charge_id: str
    ) -> Response:
        """One charge."""
        return answer(await charges.get(principal.account_id, CHARGE_ID.read(charge_id)))

    _operation_routes(router, operations, door)
    return router


def _operation_routes(router: APIRouter, operations: OperationService, door: Door) -> None:
    async def carry_out(command: Command, charge_id: str, asked: Asked) -> Response:
        known = CHARGE_ID.read(charge_id)
        return await command.made(
            lambda letters: operations.create(
                command.account_id, known, asked, letters=letters, actor=command.actor
            )
        )

    @router.post("/{charge_id}/capture", status_code=201, response_model=Operation)
    async def capture_charge(
        command: Annotated[Command, door.writer(Scope.CHARGES_WRITE)],
        charge_id: str,
        body: CaptureCreate | None = None,
    ) -> Response:
        """Take what an `authorised` charge holds, or a part of it; what is left is let go. Once a charge."""
        wanted = body or CaptureCreate()
        return await carry_out(command, charge_id, Asked(OperationKind.CAPTURE, wanted.amount))

    @router.post("/{charge_id}/void", status_code=201, response_model=Operation)
    async def void_charge(
        command: Annotated[Command, door.writer(Scope.CHARGES_WRITE)],
        charge_id: str,
    ) -> Response:
        """Let a held charge go, or undo one that was just taken where the gateway still can; else refund it."""
        return await carry_out(command, charge_id, Asked(OperationKind.VOID))

    @router.post("/{charge_id}/refund", status_code=201, response_model=Operation)
    async def refund_charge(
        command: Annotated[Command, door.writer(Scope.REFUNDS_WRITE)],
        charge_id: str,
        body: RefundCreate | None = None,
    ) -> Response:
        """Give back all that is left of a charge, or a part of it. Never more than was taken, whatever is under way."""
        wanted = body or RefundCreate()
        asked = Asked(OperationKind.REFUND, wanted.amount, wanted.reason)
        return await carry_out(command, charge_id, asked)

    @router.get("/{charge_id}/operations", response_model=Page[Operation])
    async def list_operations(
        principal: Annotated[Principal, door.reader(Scope.CHARGES_READ)],
        page: Paged,
        charge_id: str,
    ) -> Response:
        """Captures, voids and refunds of one charge, newest first."""
        known = CHARGE_ID.read(charge_id)
        return answer(await operations.page(principal.account_id, page, charge_id=known))


def refund_routes(operations: OperationService, door: Door) -> APIRouter:
    """The routes of refunds."""
    router = APIRouter(prefix="/refunds", tags=["charges"])

    @router.get("", response_model=Page[Operation])
    async def list_refunds(
        principal: Annotated[Principal, door.reader(Scope.CHARGES_READ)],
        page: Paged,
        charge_id: Annotated[
            str | None, Query(pattern=r"^ch_[a-z]{28}$", description="Only those of this charge.")
        ] = None,
    ) -> Response:
        """Refunds, newest first."""
        charge = None if charge_id is None else ChargeId(charge_id)
        found = await operations.page(principal.account_id, page, kind=OperationKind.REFUND, charge_id=charge)
        return answer(found)

    @router.get("/{refund_id}", response_model=Operation)
    async def get_refund(
        principal: Annotated[Principal, door.reader(Scope.CHARGES_READ)], refund_id: str
    ) -> Response:
        """One refund."""
        return answer(await operations.get(principal.account_id, REFUND_ID.read(refund_id), "refund"))

    return router
