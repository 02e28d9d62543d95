"""What the simulated gateway remembers: references, outcomes and every movement of money, in a file of its own. No card, no code."""

import secrets
from datetime import datetime
from typing import Final

from sqlalchemy import BigInteger, Boolean, Column, Connection, MetaData, Row, String, Table, and_, select

from tonevault.cde.gateway import Check, Code, GatewayAnswer, Kind, Verdict
from tonevault.cde.gateways.simulator.posting import Movement, Posting, refusal
from tonevault.kernel.ids import AccountId
from tonevault.kernel.money import Money
from tonevault.plumbing.insert import insert_if_absent
from tonevault.plumbing.sql import Database, UtcTime

SECRET_BYTES: Final = 32

_METADATA: Final = MetaData()

_POSTING: Final = Table(
    "posting",
    _METADATA,
    Column("account_id", String(32), primary_key=True),
    Column("reference", String(64), primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("of_reference", String(64), nullable=True),
    Column("amount_minor", BigInteger, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("verdict", String(16), nullable=False),
    Column("taken", Boolean, nullable=False),
    Column("code", String(48), nullable=True),
    Column("gateway_reference", String(64), nullable=False),
    Column("scheme_reference", String(64), nullable=True),
    Column("security_code_check", String(16), nullable=False),
    Column("postal_code_check", String(16), nullable=False),
    Column("address_check", String(16), nullable=False),
    Column("at", UtcTime, nullable=False, index=True),
    Column("visible_at", UtcTime, nullable=False),
    Column("heard_at", UtcTime, nullable=False),
)
_MOVEMENT: Final = Table(
    "money_moved",
    _METADATA,
    Column("account_id", String(32), primary_key=True),
    Column("movement_id", String(64), primary_key=True),
    Column("reference", String(64), nullable=False),
    Column("of_reference", String(64), nullable=True),
    Column("kind", String(16), nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("currency", String(3), nullable=False),
)
_SECRET: Final = Table(
    "webhook_secret",
    _METADATA,
    Column("name", String(16), primary_key=True),
    Column("value", String(64), nullable=False),
)


class Ledger:
    """The gateway's own durable book."""

    def __init__(self, database: Database) -> None:
        self._database = database
        _METADATA.create_all(database.engine)
        self.webhook_secret: Final = database.transact_now(_webhook_secret)

    async def find(self, account: AccountId, reference: str) -> Posting | None:
        """The posting of a reference."""
        return await self._database.read(lambda c: _find(c, account, reference))

    async def post(self, asked: Posting, movement_id: str, *, again: bool = False) -> Posting:
        """Write an outcome down and move the money; a reference that is there already is answered with what it got.

        A follow-up that its payment does not allow is posted as declined. `again`: what a gateway without idempotency does to
        a request that is resent: the money moves once more.
        """
        return await self._database.transact(lambda c: _post(c, asked, movement_id, again=again))

    async def movements(self, account: AccountId) -> tuple[Movement, ...]:
        """Every movement of an account's money, by reference."""
        wanted = select(_MOVEMENT).where(_MOVEMENT.c.account_id == account).order_by(_MOVEMENT.c.reference)
        rows = await self._database.read(lambda c: c.execute(wanted).all())
        return tuple(
            Movement(row.reference, Kind(row.kind), Money(row.amount_minor, row.currency), row.of_reference)
            for row in rows
        )

    async def approved(self, account: AccountId, since: datetime, until: datetime) -> list[Posting]:
        """What was done in a span of time, in order."""
        wanted = (
            select(_POSTING)
            .where(
                _POSTING.c.account_id == account,
                _POSTING.c.at >= since,
                _POSTING.c.at < until,
                _POSTING.c.verdict == Verdict.APPROVED.value,
            )
            .order_by(_POSTING.c.at, _POSTING.c.reference)
        )
        return await self._database.read(lambda c: [_posting(row) for row in c.execute(wanted)])

    async def close(self) -> None:
        """Release the file."""
        await self._database.close()


def _post(connection: Connection, asked: Posting, movement_id: str, *, again: bool) -> Posting:
    standing = _find(connection, asked.account_id, asked.reference)
    if standing is not None:
        if again and standing.asks_the_same(asked):
            _move(connection, standing, movement_id)
        return standing
    posted = asked
    if asked.of_reference is not None and asked.is_approved:
        posted = _judged(connection, asked)
    if not insert_if_absent(connection, _POSTING, _row(posted)):
        return _post(connection, asked, movement_id, again=again)
    _move(connection, posted, movement_id)
    return posted


def _judged(connection: Connection, asked: Posting) -> Posting:
    of = asked.of_reference or ""
    followed = select(_POSTING).where(
        _POSTING.c.account_id == asked.account_id, _POSTING.c.of_reference == of
    )
    follow_ups = [_posting(row) for row in connection.execute(followed)]
    code = refusal(_find(connection, asked.account_id, of), follow_ups, asked)
    if code is None:
        return asked
    declined = GatewayAnswer(Verdict.DECLINED, asked.answer.gateway_reference, code)
    return Posting(
        asked.account_id,
        asked.reference,
        asked.kind,
        asked.money,
        declined,
        asked.at,
        asked.visible_at,
        asked.heard_at,
        of,
    )


def _move(connection: Connection, posting: Posting, movement_id: str) -> None:
    """Money moves with what was taken, captured or refunded; letting a hold go moves none."""
    if not posting.is_approved or not posting.answer.taken or posting.kind is Kind.VERIFICATION:
        return
    row: dict[str, object] = {
        "account_id": posting.account_id,
        "movement_id": movement_id,
        "reference": posting.reference,
        "of_reference": posting.of_reference,
        "kind": posting.kind.value,
        "amount_minor": posting.money.amount_minor,
        "currency": posting.money.currency,
    }
    if posting.kind is Kind.VOID:
        payment = _find(connection, posting.account_id, posting.of_reference or "")
        if payment is None or not payment.answer.taken:
            return
    insert_if_absent(connection, _MOVEMENT, row)


def _webhook_secret(connection: Connection) -> str:
    insert_if_absent(connection, _SECRET, {"name": "webhook", "value": secrets.token_hex(SECRET_BYTES)})
    return str(connection.execute(select(_SECRET.c.value)).scalar_one())


def _find(connection: Connection, account: AccountId, reference: str) -> Posting | None:
    here = and_(_POSTING.c.account_id == account, _POSTING.c.reference == reference)
    row = connection.execute(select(_POSTING).where(here)).one_or_none()
    return None if row is None else _posting(row)


def _row(posting: Posting) -> dict[str, object]:
    answer = posting.answer
    return {
        "account_id": posting.account_id,
        "reference": posting.reference,
        "kind": posting.kind.value,
        "of_reference": posting.of_reference,
        "amount_minor": posting.money.amount_minor,
        "currency": posting.money.currency,
        "verdict": answer.verdict.value,
        "taken": answer.taken,
        "code": answer.code.value if answer.code else None,
        "gateway_reference": answer.gateway_reference or "",
        "scheme_reference": answer.scheme_reference,
        "security_code_check": answer.security_code_check.value,
        "postal_code_check": answer.postal_code_check.value,
        "address_check": answer.address_check.value,
        "at": posting.at,
        "visible_at": posting.visible_at,
        "heard_at": posting.heard_at,
    }


def _posting(row: Row[tuple[object, ...]]) -> Posting:
    values = row._mapping  # noqa: SLF001 - SQLAlchemy's public way to read a row by column
    return Posting(
        account_id=AccountId(values[_POSTING.c.account_id]),
        reference=values[_POSTING.c.reference],
        kind=Kind(values[_POSTING.c.kind]),
        money=Money(values[_POSTING.c.amount_minor], values[_POSTING.c.currency]),
        answer=GatewayAnswer(
            Verdict(values[_POSTING.c.verdict]),
            values[_POSTING.c.gateway_reference] or None,
            Code(values[_POSTING.c.code]) if values[_POSTING.c.code] else None,
            security_code_check=Check(values[_POSTING.c.security_code_check]),
            postal_code_check=Check(values[_POSTING.c.postal_code_check]),
            address_check=Check(values[_POSTING.c.address_check]),
            scheme_reference=values[_POSTING.c.scheme_reference],
            taken=values[_POSTING.c.taken],
        ),
        at=values[_POSTING.c.at],
        visible_at=values[_POSTING.c.visible_at],
        heard_at=values[_POSTING.c.heard_at],
        of_reference=values[_POSTING.c.of_reference],
    )
