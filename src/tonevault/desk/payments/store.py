"""Rows of tokens and charges."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Table, insert, select, update

from tonevault.boundary.charges import ChargeKind, ChargeState, CheckResult, Initiator, Taking
from tonevault.boundary.tokens import TokenState, TokenUsage
from tonevault.desk.paging import Page, PageRequest, page_of
from tonevault.desk.payments.model import Card, CardToken, Charge, Decline, decline_of
from tonevault.desk.schema import CARD_TOKEN, CHARGE
from tonevault.kernel.card import Brand
from tonevault.kernel.ids import AccountId, ChargeId, CustomerId, SessionId, TokenId


def _token(row: Row[Any]) -> CardToken:
    return CardToken(
        id=row.token_id,
        usage=TokenUsage(row.usage),
        state=TokenState(row.state),
        card=Card(Brand(row.brand), row.first6, row.last4, row.length, row.exp_month, row.exp_year),
        customer_id=row.customer_id,
        replaced_by=row.replaced_by,
        created_at=row.created_at,
        expires_at=row.expires_at,
    )


def _token_values(token: CardToken) -> dict[str, object]:
    card = token.card
    return {
        "usage": token.usage.value,
        "state": token.state.value,
        "brand": card.brand.value,
        "first6": card.first6,
        "last4": card.last4,
        "length": card.length,
        "exp_month": card.exp_month,
        "exp_year": card.exp_year,
        "customer_id": token.customer_id,
        "replaced_by": token.replaced_by,
        "created_at": token.created_at,
        "expires_at": token.expires_at,
    }


def add_token(connection: Connection, account_id: AccountId, token: CardToken) -> None:
    """Insert a token."""
    connection.execute(
        insert(CARD_TOKEN).values(account_id=account_id, token_id=token.id, **_token_values(token))
    )


def save_token(connection: Connection, account_id: AccountId, token: CardToken) -> None:
    """Write a changed token."""
    connection.execute(
        update(CARD_TOKEN)
        .where(CARD_TOKEN.c.account_id == account_id, CARD_TOKEN.c.token_id == token.id)
        .values(**_token_values(token))
    )


def find_token(connection: Connection, account_id: AccountId, token_id: TokenId) -> CardToken | None:
    """The token, or None."""
    row = connection.execute(
        select(CARD_TOKEN).where(CARD_TOKEN.c.account_id == account_id, CARD_TOKEN.c.token_id == token_id)
    ).one_or_none()
    return None if row is None else _token(row)


def _of_customer(table: Table, customer_id: CustomerId | None) -> Sequence[Any]:
    return () if customer_id is None else (table.c.customer_id == customer_id,)


def page_of_tokens(
    connection: Connection, account_id: AccountId, request: PageRequest, customer_id: CustomerId | None
) -> Page[CardToken]:
    """Tokens, newest first."""
    query = select(CARD_TOKEN).where(*_of_customer(CARD_TOKEN, customer_id))
    order = (CARD_TOKEN.c.created_at, CARD_TOKEN.c.token_id)
    return page_of(connection, query, account_id, request, order=order, read=_token)


def _charge(row: Row[Any]) -> Charge:
    return Charge(
        id=row.charge_id,
        token=row.token_id,
        session_id=row.session_id,
        customer_id=row.customer_id,
        amount=row.amount_minor,
        currency=row.currency,
        description=row.description,
        state=ChargeState(row.state),
        code=row.code,
        gateway=row.gateway,
        gateway_reference=row.gateway_reference,
        security_code_check=CheckResult(row.security_code_check),
        postal_code_check=CheckResult(row.postal_code_check),
        address_check=CheckResult(row.address_check),
        created_at=row.created_at,
        updated_at=row.updated_at,
        kind=ChargeKind(row.kind or ChargeKind.PAYMENT),
        capture=Taking(row.capture or Taking.AUTOMATIC),
        initiator=Initiator(row.initiator or Initiator.CUSTOMER),
        amount_captured=_captured(row),
        amount_refunded=row.amount_refunded or 0,
        decline=decline_of(row.is_final),
        schedule_id=row.schedule_id,
        split_id=row.split_id,
    )


def _captured(row: Row[Any]) -> int:
    """What was taken; charges from before captures were counted took all of it when they succeeded."""
    if row.amount_captured is not None:
        return int(row.amount_captured)
    return int(row.amount_minor) if row.state == ChargeState.SUCCEEDED.value else 0


def _charge_values(charge: Charge) -> dict[str, object]:
    return {
        "token_id": charge.token,
        "state": charge.state.value,
        "code": charge.code,
        "gateway": charge.gateway,
        "gateway_reference": charge.gateway_reference,
        "security_code_check": charge.security_code_check.value,
        "postal_code_check": charge.postal_code_check.value,
        "address_check": charge.address_check.value,
        "updated_at": charge.updated_at,
        "kind": charge.kind.value,
        "capture": charge.capture.value,
        "initiator": charge.initiator.value,
        "amount_captured": charge.amount_captured,
        "amount_refunded": charge.amount_refunded,
        "is_final": None if charge.decline is None else charge.decline is Decline.HARD,
    }


def add_charge(connection: Connection, account_id: AccountId, charge: Charge, ask_at: datetime) -> None:
    """Insert the intent of a charge; from `ask_at` on the sweep asks how it stands."""
    connection.execute(
        insert(CHARGE).values(
            account_id=account_id,
            charge_id=charge.id,
            session_id=charge.session_id,
            customer_id=charge.customer_id,
            amount_minor=charge.amount,
            currency=charge.currency,
            description=charge.description,
            created_at=charge.created_at,
            ask_at=ask_at,
            asked=0,
            schedule_id=charge.schedule_id,
            split_id=charge.split_id,
            **_charge_values(charge),
        )
    )


def save_charge(
    connection: Connection,
    account_id: AccountId,
    charge: Charge,
    *,
    reported_at: datetime | None,
    ask_at: datetime | None,
) -> None:
    """Write a charge as reported at `reported_at`; `ask_at` None where nothing is left to ask."""
    connection.execute(
        update(CHARGE)
        .where(CHARGE.c.account_id == account_id, CHARGE.c.charge_id == charge.id)
        .values(reported_at=reported_at, ask_at=ask_at, **_charge_values(charge))
    )


def find_charge(
    connection: Connection, account_id: AccountId, charge_id: ChargeId
) -> tuple[Charge, datetime | None] | None:
    """The charge and the time of the secure zone's last report of it."""
    row = connection.execute(
        select(CHARGE)
        .where(CHARGE.c.account_id == account_id, CHARGE.c.charge_id == charge_id)
        .with_for_update()
    ).one_or_none()
    return None if row is None else (_charge(row), row.reported_at)


def page_of_charges(
    connection: Connection,
    account_id: AccountId,
    request: PageRequest,
    customer_id: CustomerId | None,
    session_id: SessionId | None,
) -> Page[Charge]:
    """Charges, newest first."""
    query = select(CHARGE).where(*_of_customer(CHARGE, customer_id))
    if session_id is not None:
        query = query.where(CHARGE.c.session_id == session_id)
    order = (CHARGE.c.created_at, CHARGE.c.charge_id)
    return page_of(connection, query, account_id, request, order=order, read=_charge)


def due_charges(
    connection: Connection, now: datetime, limit: int
) -> list[tuple[AccountId, Charge, datetime | None, int]]:
    """Unsettled charges of all accounts whose turn it is to be asked after: account, charge, last report, times asked."""
    rows = connection.execute(
        select(CHARGE).where(CHARGE.c.ask_at <= now).order_by(CHARGE.c.ask_at).limit(limit)
    )
    return [(row.account_id, _charge(row), row.reported_at, row.asked) for row in rows]


def ask_again(
    connection: Connection, account_id: AccountId, charge_id: ChargeId, ask_at: datetime, asked: int
) -> None:
    """Put off the next question, unless the charge was settled meanwhile."""
    connection.execute(
        update(CHARGE)
        .where(
            CHARGE.c.account_id == account_id,
            CHARGE.c.charge_id == charge_id,
            CHARGE.c.ask_at.is_not(None),
        )
        .values(ask_at=ask_at, asked=asked)
    )


def make_all_due(connection: Connection, now: datetime) -> None:
    """After the secure zone was away: ask after every unsettled charge at once."""
    connection.execute(update(CHARGE).where(CHARGE.c.ask_at > now).values(ask_at=now))
