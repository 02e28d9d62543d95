"""The charge and attempt tables: plain functions of a connection, rows mapped by hand. No card and no code is among them."""

from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, Connection, Row, and_, select, update

from tonevault.boundary.charges import Amount, ChargeState, CheckResult
from tonevault.cde.charging.jobs import SETTLE
from tonevault.cde.charging.model import Attempt, AttemptState, StoredCharge
from tonevault.cde.schema import CHARGE, JOB, PAYMENT_ATTEMPT
from tonevault.kernel.ids import AccountId, ChargeId, TokenId
from tonevault.plumbing.insert import insert_if_absent

MAX_UNSETTLED: Final = 1_000
"""Unsettled charges listed at once: the newest matter to a desk that connects."""


def insert_charge(connection: Connection, charge: StoredCharge) -> bool:
    """Add a charge; False when its id is taken."""
    values = _charge_values(charge) | {
        "account_id": charge.account_id,
        "charge_id": charge.charge_id,
        "token_id": charge.token_id,
        "token_new": charge.token_new,
        "amount_minor": charge.amount.amount_minor,
        "currency": charge.amount.currency,
        "description": charge.description,
        "gateway": charge.gateway,
        "created_at": charge.created_at,
    }
    return insert_if_absent(connection, CHARGE, values)


def update_charge(connection: Connection, charge: StoredCharge) -> None:
    """Write what may change of a charge: its state, its reasons, its gateway's reference."""
    connection.execute(
        update(CHARGE).where(_is(charge.account_id, charge.charge_id)).values(_charge_values(charge))
    )


def find_charge(connection: Connection, account: AccountId, charge_id: ChargeId) -> StoredCharge | None:
    """A charge of an account."""
    row = connection.execute(select(CHARGE).where(_is(account, charge_id))).one_or_none()
    return None if row is None else _charge(row)


def list_charges(
    connection: Connection, account: AccountId, limit: int, before: ChargeId | None
) -> list[StoredCharge]:
    """An account's charges, the newest first (ids sort by their time), from below `before`."""
    wanted = select(CHARGE).where(CHARGE.c.account_id == account)
    if before is not None:
        wanted = wanted.where(CHARGE.c.charge_id < before)
    return [
        _charge(row) for row in connection.execute(wanted.order_by(CHARGE.c.charge_id.desc()).limit(limit))
    ]


def list_unsettled(connection: Connection) -> list[StoredCharge]:
    """Charges of all accounts whose outcome is open, the newest first."""
    states = (ChargeState.PENDING.value, ChargeState.UNKNOWN.value)
    wanted = select(CHARGE).where(CHARGE.c.state.in_(states)).order_by(CHARGE.c.created_at.desc())
    return [_charge(row) for row in connection.execute(wanted.limit(MAX_UNSETTLED))]


def insert_attempt(connection: Connection, attempt: Attempt) -> None:
    """Write an attempt down before it leaves."""
    connection.execute(
        PAYMENT_ATTEMPT.insert().values(
            account_id=attempt.account_id,
            attempt_id=attempt.attempt_id,
            charge_id=attempt.charge_id,
            number=attempt.number,
            state=attempt.state.value,
            gateway=attempt.gateway,
            node=attempt.node,
            created_at=attempt.created_at,
            updated_at=attempt.created_at,
            silent_since=attempt.silent_since,
        )
    )


def find_attempt(
    connection: Connection, account: AccountId, attempt_id: str, *, lock: bool = False
) -> Attempt | None:
    """An attempt; with `lock`, held against every other transaction until this one ends."""
    wanted = select(PAYMENT_ATTEMPT).where(_is_attempt(account, attempt_id))
    row = connection.execute(wanted.with_for_update() if lock else wanted).one_or_none()
    return None if row is None else _attempt(row)


def move_attempt(connection: Connection, attempt: Attempt, state: AttemptState, now: datetime) -> None:
    """Put a locked attempt into its next state; the moment it first fell silent is kept."""
    silent_since = attempt.silent_since
    if state is AttemptState.UNKNOWN and silent_since is None:
        silent_since = now
    connection.execute(
        update(PAYMENT_ATTEMPT)
        .where(_is_attempt(attempt.account_id, attempt.attempt_id))
        .values(state=state.value, updated_at=now, silent_since=silent_since)
    )


def unanswered(connection: Connection, node: str) -> list[Attempt]:
    """What a node had begun and no answer was recorded for. Found through the job table, which holds open work alone."""
    begun = (AttemptState.NEW.value, AttemptState.SENT.value)
    rows = connection.execute(
        select(PAYMENT_ATTEMPT)
        .join(
            JOB,
            and_(
                JOB.c.account_id == PAYMENT_ATTEMPT.c.account_id,
                JOB.c.kind == SETTLE,
                JOB.c.subject == PAYMENT_ATTEMPT.c.attempt_id,
            ),
        )
        .where(PAYMENT_ATTEMPT.c.node == node, PAYMENT_ATTEMPT.c.state.in_(begun))
    )
    return [_attempt(row) for row in rows]


def _is(account: AccountId, charge_id: ChargeId) -> ColumnElement[bool]:
    return and_(CHARGE.c.account_id == account, CHARGE.c.charge_id == charge_id)


def _is_attempt(account: AccountId, attempt_id: str) -> ColumnElement[bool]:
    return and_(PAYMENT_ATTEMPT.c.account_id == account, PAYMENT_ATTEMPT.c.attempt_id == attempt_id)


def _charge_values(charge: StoredCharge) -> dict[str, object]:
    return {
        "state": charge.state.value,
        "gateway_reference": charge.gateway_reference,
        "code": charge.code,
        "security_code_check": charge.security_code_check.value,
        "postal_code_check": charge.postal_code_check.value,
        "address_check": charge.address_check.value,
        "updated_at": charge.updated_at,
    }


def _charge(row: Row[tuple[object, ...]]) -> StoredCharge:
    values = row._mapping  # noqa: SLF001 - SQLAlchemy's public way to read a row by column
    return StoredCharge(
        account_id=AccountId(values[CHARGE.c.account_id]),
        charge_id=ChargeId(values[CHARGE.c.charge_id]),
        token_id=TokenId(values[CHARGE.c.token_id]),
        token_new=values[CHARGE.c.token_new],
        amount=Amount(amount_minor=values[CHARGE.c.amount_minor], currency=values[CHARGE.c.currency]),
        description=values[CHARGE.c.description],
        state=ChargeState(values[CHARGE.c.state]),
        gateway=values[CHARGE.c.gateway],
        created_at=values[CHARGE.c.created_at],
        updated_at=values[CHARGE.c.updated_at],
        gateway_reference=values[CHARGE.c.gateway_reference],
        code=values[CHARGE.c.code],
        security_code_check=CheckResult(values[CHARGE.c.security_code_check]),
        postal_code_check=CheckResult(values[CHARGE.c.postal_code_check]),
        address_check=CheckResult(values[CHARGE.c.address_check]),
    )


def _attempt(row: Row[tuple[object, ...]]) -> Attempt:
    values = row._mapping  # noqa: SLF001 - SQLAlchemy's public way to read a row by column
    return Attempt(
        account_id=AccountId(values[PAYMENT_ATTEMPT.c.account_id]),
        attempt_id=values[PAYMENT_ATTEMPT.c.attempt_id],
        charge_id=ChargeId(values[PAYMENT_ATTEMPT.c.charge_id]),
        number=values[PAYMENT_ATTEMPT.c.number],
        state=AttemptState(values[PAYMENT_ATTEMPT.c.state]),
        gateway=values[PAYMENT_ATTEMPT.c.gateway],
        node=values[PAYMENT_ATTEMPT.c.node],
        created_at=values[PAYMENT_ATTEMPT.c.created_at],
        silent_since=values[PAYMENT_ATTEMPT.c.silent_since],
    )
