"""The charge and attempt tables: plain functions of a connection, rows mapped by hand. No card and no code is among them."""

from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, Select, and_, bindparam, select, update

from tonevault.boundary.charges import Amount, ChargeState, CheckResult, Initiator, Taking
from tonevault.cde.charging.charge import StoredCharge
from tonevault.cde.charging.comparison import Ours
from tonevault.cde.charging.jobs import SETTLE
from tonevault.cde.charging.model import Attempt, AttemptState
from tonevault.cde.gateway import Kind
from tonevault.cde.schema import CHARGE, JOB, PAYMENT_ATTEMPT
from tonevault.kernel.ids import AccountId, ChargeId, OperationId, TokenId
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
        "capture": charge.capture.value,
        "initiator": charge.initiator.value,
        "keeps_card": charge.keeps_card,
        "call_off_at": charge.call_off_at,
    }
    return insert_if_absent(connection, CHARGE, values)


def update_charge(connection: Connection, charge: StoredCharge) -> None:
    """Write what may change of a charge: its state, its reasons, its gateway's reference."""
    here = {"of_account": charge.account_id, "of_charge": charge.charge_id}
    connection.execute(_UPDATE_CHARGE, here | _charge_values(charge))


def find_charge(
    connection: Connection, account: AccountId, charge_id: ChargeId, *, lock: bool = False
) -> StoredCharge | None:
    """A charge of an account; with `lock`, held against every other transaction until this one ends."""
    here = {"of_account": account, "of_charge": charge_id}
    row = connection.execute(_LOCK_CHARGE if lock else _FIND_CHARGE, here).one_or_none()
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
    values = _attempt_values(attempt) | {
        "account_id": attempt.account_id,
        "attempt_id": attempt.attempt_id,
        "charge_id": attempt.charge_id,
        "number": attempt.number,
        "kind": attempt.kind.value,
        "operation_id": attempt.operation_id,
        "amount_minor": attempt.amount_minor,
        "gateway": attempt.gateway,
        "node": attempt.node,
        "reason": attempt.reason,
        "created_at": attempt.created_at,
    }
    connection.execute(_INSERT_ATTEMPT, values)


def find_attempt(
    connection: Connection, account: AccountId, attempt_id: str, *, lock: bool = False
) -> Attempt | None:
    """An attempt; with `lock`, held against every other transaction until this one ends."""
    here = {"of_account": account, "of_attempt": attempt_id}
    row = connection.execute(_LOCK_ATTEMPT if lock else _FIND_ATTEMPT, here).one_or_none()
    return None if row is None else _attempt(row)


def find_operation(connection: Connection, account: AccountId, operation_id: OperationId) -> Attempt | None:
    """The capture, void or refund of this id."""
    here = and_(PAYMENT_ATTEMPT.c.account_id == account, PAYMENT_ATTEMPT.c.operation_id == operation_id)
    row = connection.execute(_attempts().where(here)).one_or_none()
    return None if row is None else _attempt(row)


def find_by_gateway_reference(
    connection: Connection, account: AccountId, gateway: str, reference: str
) -> Attempt | None:
    """The attempt that a gateway knows by a reference of its own."""
    here = and_(
        PAYMENT_ATTEMPT.c.account_id == account,
        PAYMENT_ATTEMPT.c.gateway == gateway,
        PAYMENT_ATTEMPT.c.gateway_reference == reference,
    )
    rows = connection.execute(_attempts().where(here).order_by(PAYMENT_ATTEMPT.c.number).limit(1))
    return next((_attempt(row) for row in rows), None)


def attempts_of(connection: Connection, account: AccountId, charge_id: ChargeId) -> list[Attempt]:
    """Every attempt of a charge, in order; the first one pays."""
    here = and_(PAYMENT_ATTEMPT.c.account_id == account, PAYMENT_ATTEMPT.c.charge_id == charge_id)
    return [
        _attempt(row)
        for row in connection.execute(_attempts().where(here).order_by(PAYMENT_ATTEMPT.c.number))
    ]


def attempts_between(
    connection: Connection, account: AccountId, gateway: str, since: datetime, until: datetime
) -> list[Ours]:
    """An account's attempts at a gateway that were made in a span, each with its currency."""
    here = and_(
        PAYMENT_ATTEMPT.c.account_id == account,
        PAYMENT_ATTEMPT.c.gateway == gateway,
        PAYMENT_ATTEMPT.c.created_at >= since,
        PAYMENT_ATTEMPT.c.created_at < until,
    )
    return [Ours(_attempt(row), row.currency) for row in connection.execute(_attempts().where(here))]


def save_attempt(connection: Connection, attempt: Attempt) -> None:
    """Write what may change of an attempt."""
    here = {"of_account": attempt.account_id, "of_attempt": attempt.attempt_id}
    connection.execute(_UPDATE_ATTEMPT, here | _attempt_values(attempt))


def open_operations(connection: Connection) -> list[tuple[Attempt, str]]:
    """Captures, voids and refunds of all accounts whose outcome is open, the newest first, each with its currency."""
    states = (AttemptState.NEW.value, AttemptState.SENT.value, AttemptState.UNKNOWN.value)
    wanted = _attempts().where(
        PAYMENT_ATTEMPT.c.state.in_(states), PAYMENT_ATTEMPT.c.operation_id.is_not(None)
    )
    rows = connection.execute(wanted.order_by(PAYMENT_ATTEMPT.c.created_at.desc()).limit(MAX_UNSETTLED))
    return [(_attempt(row), row.currency) for row in rows]


def unanswered(connection: Connection, node: str) -> list[Attempt]:
    """What a node had begun and no answer was recorded for. Found through the job table, which holds open work alone."""
    begun = (AttemptState.NEW.value, AttemptState.SENT.value)
    rows = connection.execute(
        _attempts()
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


def _attempts() -> Select[Any]:
    """Attempts, each with what it takes from its charge."""
    return select(PAYMENT_ATTEMPT, CHARGE.c.currency, CHARGE.c.amount_minor.label("charged_minor")).join(
        CHARGE,
        and_(
            CHARGE.c.account_id == PAYMENT_ATTEMPT.c.account_id,
            CHARGE.c.charge_id == PAYMENT_ATTEMPT.c.charge_id,
        ),
    )


# Made once: building a statement takes longer than running it, and every charge runs a dozen of them.
_THIS_CHARGE: Final = and_(
    CHARGE.c.account_id == bindparam("of_account"), CHARGE.c.charge_id == bindparam("of_charge")
)
_THIS_ATTEMPT: Final = and_(
    PAYMENT_ATTEMPT.c.account_id == bindparam("of_account"),
    PAYMENT_ATTEMPT.c.attempt_id == bindparam("of_attempt"),
)
_FIND_CHARGE: Final = select(CHARGE).where(_THIS_CHARGE)
_LOCK_CHARGE: Final = _FIND_CHARGE.with_for_update()
_UPDATE_CHARGE: Final = update(CHARGE).where(_THIS_CHARGE)
_INSERT_ATTEMPT: Final = PAYMENT_ATTEMPT.insert()
_FIND_ATTEMPT: Final = _attempts().where(_THIS_ATTEMPT)
_LOCK_ATTEMPT: Final = _FIND_ATTEMPT.with_for_update(of=PAYMENT_ATTEMPT)
_UPDATE_ATTEMPT: Final = update(PAYMENT_ATTEMPT).where(_THIS_ATTEMPT)


def _charge_values(charge: StoredCharge) -> dict[str, object]:
    return {
        "state": charge.state.value,
        "gateway_reference": charge.gateway_reference,
        "code": charge.code,
        "security_code_check": charge.security_code_check.value,
        "postal_code_check": charge.postal_code_check.value,
        "address_check": charge.address_check.value,
        "scheme_reference": charge.scheme_reference,
        "is_final": charge.is_final,
        "amount_captured": charge.amount_captured,
        "amount_refunded": charge.amount_refunded,
        "updated_at": charge.updated_at,
    }


def _attempt_values(attempt: Attempt) -> dict[str, object]:
    return {
        "state": attempt.state.value,
        "updated_at": attempt.updated_at,
        "silent_since": attempt.silent_since,
        "gateway_reference": attempt.gateway_reference,
        "code": attempt.code,
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
        capture=Taking(values[CHARGE.c.capture] or Taking.AUTOMATIC),
        initiator=Initiator(values[CHARGE.c.initiator] or Initiator.CUSTOMER),
        keeps_card=bool(values[CHARGE.c.keeps_card]),
        scheme_reference=values[CHARGE.c.scheme_reference],
        is_final=values[CHARGE.c.is_final],
        amount_captured=_captured(values[CHARGE.c.amount_captured], row),
        amount_refunded=values[CHARGE.c.amount_refunded] or 0,
        call_off_at=values[CHARGE.c.call_off_at],
    )


def _captured(stored: int | None, row: Row[Any]) -> int:
    """What was taken; charges from before captures were counted took all of it when they succeeded."""
    if stored is not None:
        return stored
    return int(row.amount_minor) if row.state == ChargeState.SUCCEEDED.value else 0


def _attempt(row: Row[Any]) -> Attempt:
    values = row._mapping  # noqa: SLF001 - SQLAlchemy's public way to read a row by column
    asked = values[PAYMENT_ATTEMPT.c.amount_minor]
    return Attempt(
        account_id=AccountId(values[PAYMENT_ATTEMPT.c.account_id]),
        attempt_id=values[PAYMENT_ATTEMPT.c.attempt_id],
        charge_id=ChargeId(values[PAYMENT_ATTEMPT.c.charge_id]),
        number=values[PAYMENT_ATTEMPT.c.number],
        kind=Kind(values[PAYMENT_ATTEMPT.c.kind]),
        amount_minor=row.charged_minor if asked is None else asked,
        state=AttemptState(values[PAYMENT_ATTEMPT.c.state]),
        gateway=values[PAYMENT_ATTEMPT.c.gateway],
        node=values[PAYMENT_ATTEMPT.c.node],
        created_at=values[PAYMENT_ATTEMPT.c.created_at],
        updated_at=values[PAYMENT_ATTEMPT.c.updated_at],
        silent_since=values[PAYMENT_ATTEMPT.c.silent_since],
        operation_id=values[PAYMENT_ATTEMPT.c.operation_id],
        gateway_reference=values[PAYMENT_ATTEMPT.c.gateway_reference],
        code=values[PAYMENT_ATTEMPT.c.code],
        reason=values[PAYMENT_ATTEMPT.c.reason] or "",
    )
