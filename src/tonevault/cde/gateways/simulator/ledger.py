"""What the simulated gateway remembers: references, outcomes and every movement of money, in a file of its own. No card, no code."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from sqlalchemy import BigInteger, Column, Connection, MetaData, Row, String, Table, and_, func, select

from tonevault.cde.gateway import Check, Code, GatewayAnswer, Verdict
from tonevault.kernel.ids import AccountId
from tonevault.kernel.money import Money
from tonevault.plumbing.insert import insert_if_absent
from tonevault.plumbing.sql import Database, UtcTime

_METADATA: Final = MetaData()

_ENTRY: Final = Table(
    "entry",
    _METADATA,
    Column("account_id", String(32), primary_key=True),
    Column("reference", String(64), primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("of_reference", String(64), nullable=True),
    Column("amount_minor", BigInteger, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("verdict", String(16), nullable=False),
    Column("code", String(48), nullable=True),
    Column("gateway_reference", String(64), nullable=False),
    Column("security_code_check", String(16), nullable=False),
    Column("postal_code_check", String(16), nullable=False),
    Column("visible_at", UtcTime, nullable=False),
    Column("heard_at", UtcTime, nullable=False),
)
_MOVEMENT: Final = Table(
    "movement",
    _METADATA,
    Column("account_id", String(32), primary_key=True),
    Column("movement_id", String(64), primary_key=True),
    Column("reference", String(64), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("currency", String(3), nullable=False),
)


class Kind(StrEnum):
    """Which way money goes."""

    PAYMENT = "payment"
    REFUND = "refund"


@dataclass(frozen=True, slots=True)
class Entry:
    """What became of one reference. Look-ups find it from `visible_at` on, and are answered at all from `heard_at` on."""

    account_id: AccountId
    reference: str
    kind: Kind
    money: Money
    answer: GatewayAnswer
    visible_at: datetime
    heard_at: datetime
    of_reference: str | None = None


@dataclass(frozen=True, slots=True)
class Movement:
    """Money that really moved, once: what a bank statement would show."""

    reference: str
    kind: Kind
    money: Money


class Ledger:
    """The gateway's own durable book."""

    def __init__(self, database: Database) -> None:
        self._database = database
        _METADATA.create_all(database.engine)

    async def find(self, account: AccountId, reference: str) -> Entry | None:
        """The entry of a reference."""
        return await self._database.read(lambda c: _find(c, account, reference))

    async def enter(self, entry: Entry, movement_id: str) -> Entry:
        """Write an outcome down and, approved, move the money; a reference that is there already is answered with what it got."""

        def write(connection: Connection) -> Entry:
            if insert_if_absent(connection, _ENTRY, _entry_row(entry)):
                if entry.answer.verdict is Verdict.APPROVED:
                    insert_if_absent(connection, _MOVEMENT, _movement_row(entry, movement_id))
                return entry
            standing = _find(connection, entry.account_id, entry.reference)
            return entry if standing is None else standing

        return await self._database.transact(write)

    async def move_again(self, entry: Entry, movement_id: str) -> None:
        """Move money a second time for one reference: what a gateway without idempotency does to a request that is resent."""
        if entry.answer.verdict is Verdict.APPROVED:
            await self._database.transact(
                lambda c: insert_if_absent(c, _MOVEMENT, _movement_row(entry, movement_id))
            )

    async def enter_refund(self, refund: Entry, refusal: GatewayAnswer, movement_id: str) -> Entry:
        """Enter a refund if its payment was approved and has that much left, and `refusal` if not; both in one transaction."""

        def write(connection: Connection) -> Entry:
            account, of_reference = refund.account_id, refund.of_reference or ""
            if (standing := _find(connection, account, refund.reference)) is not None:
                return standing
            payment = _find(connection, account, of_reference)
            left = 0
            if payment is not None and payment.answer.verdict is Verdict.APPROVED:
                left = payment.money.amount_minor - _refunded(connection, account, of_reference)
            allowed = (
                payment is not None
                and payment.kind is Kind.PAYMENT
                and payment.money.currency == refund.money.currency
                and 0 < refund.money.amount_minor <= left
            )
            answer = refund.answer if allowed else refusal
            entered = Entry(
                account,
                refund.reference,
                Kind.REFUND,
                refund.money,
                answer,
                refund.visible_at,
                refund.heard_at,
                of_reference,
            )
            insert_if_absent(connection, _ENTRY, _entry_row(entered))
            if allowed:
                insert_if_absent(connection, _MOVEMENT, _movement_row(entered, movement_id))
            return entered

        return await self._database.transact(write)

    async def movements(self, account: AccountId) -> tuple[Movement, ...]:
        """Every movement of an account's money, by reference."""
        wanted = select(_MOVEMENT).where(_MOVEMENT.c.account_id == account).order_by(_MOVEMENT.c.reference)
        rows = await self._database.read(lambda c: c.execute(wanted).all())
        return tuple(
            Movement(row.reference, Kind(row.kind), Money(row.amount_minor, row.currency)) for row in rows
        )

    async def close(self) -> None:
        """Release the file."""
        await self._database.close()


def _find(connection: Connection, account: AccountId, reference: str) -> Entry | None:
    here = and_(_ENTRY.c.account_id == account, _ENTRY.c.reference == reference)
    row = connection.execute(select(_ENTRY).where(here)).one_or_none()
    return None if row is None else _entry(row)


def _refunded(connection: Connection, account: AccountId, of_reference: str) -> int:
    given_back = select(func.coalesce(func.sum(_ENTRY.c.amount_minor), 0)).where(
        _ENTRY.c.account_id == account,
        _ENTRY.c.of_reference == of_reference,
        _ENTRY.c.kind == Kind.REFUND.value,
        _ENTRY.c.verdict == Verdict.APPROVED.value,
    )
    return int(connection.execute(given_back).scalar_one())


def _entry_row(entry: Entry) -> dict[str, object]:
    answer = entry.answer
    return {
        "account_id": entry.account_id,
        "reference": entry.reference,
        "kind": entry.kind.value,
        "of_reference": entry.of_reference,
        "amount_minor": entry.money.amount_minor,
        "currency": entry.money.currency,
        "verdict": answer.verdict.value,
        "code": answer.code.value if answer.code else None,
        "gateway_reference": answer.gateway_reference or "",
        "security_code_check": answer.security_code_check.value,
        "postal_code_check": answer.postal_code_check.value,
        "visible_at": entry.visible_at,
        "heard_at": entry.heard_at,
    }


def _movement_row(entry: Entry, movement_id: str) -> dict[str, object]:
    return {
        "account_id": entry.account_id,
        "movement_id": movement_id,
        "reference": entry.reference,
        "kind": entry.kind.value,
        "amount_minor": entry.money.amount_minor,
        "currency": entry.money.currency,
    }


def _entry(row: Row[tuple[object, ...]]) -> Entry:
    values = row._mapping  # noqa: SLF001 - SQLAlchemy's public way to read a row by column
    return Entry(
        account_id=AccountId(values[_ENTRY.c.account_id]),
        reference=values[_ENTRY.c.reference],
        kind=Kind(values[_ENTRY.c.kind]),
        money=Money(values[_ENTRY.c.amount_minor], values[_ENTRY.c.currency]),
        answer=GatewayAnswer(
            Verdict(values[_ENTRY.c.verdict]),
            values[_ENTRY.c.gateway_reference] or None,
            Code(values[_ENTRY.c.code]) if values[_ENTRY.c.code] else None,
            security_code_check=Check(values[_ENTRY.c.security_code_check]),
            postal_code_check=Check(values[_ENTRY.c.postal_code_check]),
        ),
        visible_at=values[_ENTRY.c.visible_at],
        heard_at=values[_ENTRY.c.heard_at],
        of_reference=values[_ENTRY.c.of_reference],
    )
