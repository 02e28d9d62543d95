"""What is true of a deployment's files once every call is over: nothing open or left behind, and the money as the gateway has it."""

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from sqlalchemy import ColumnElement, Engine, Table, create_engine, func, insert, select

from tests.e2e.house_plan import ACCOUNT
from tests.soak.desk_line import DeskLine, Json
from tonevault.cde import schema as secure
from tonevault.cde.gateway import Kind
from tonevault.cde.gateways.simulator import SimulatorGateway
from tonevault.desk import schema as desk
from tonevault.kernel.ids import AccountId
from tonevault.plumbing.clock import WallClock

UNDER_WAY: Final = ("new", "sent", "open", "completing", "pending", "unknown")
TAKEN: Final = ("succeeded", "refunded", "partially_refunded")
LONG_AGO: Final = timedelta(days=2)
PLANTED_ROWS: Final = 50


class Books:
    """Read while the product runs, by connections of one's own."""

    def __init__(self, data_dir: Path, recordings: Path) -> None:
        self._data_dir = data_dir
        self._recordings = recordings
        self._engines = {zone: _engine(data_dir / zone / f"{zone}.db") for zone in ("secure", "desk")}
        self._planted: set[bytes] = set()

    def close(self) -> None:
        for engine in self._engines.values():
            engine.dispose()

    def under_way(self) -> dict[str, int]:
        """How many of each thing have not come to their end; all are none when no call is up."""
        open_rows: dict[str, tuple[str, Table, ColumnElement[bool]]] = {
            "calls that are not ended": ("desk", desk.PHONE_CALL, desk.PHONE_CALL.c.state != "ended"),
            "sessions without an end": (
                "desk",
                desk.PAYMENT_SESSION,
                desk.PAYMENT_SESSION.c.ended_at.is_(None),
            ),
            "charges without a result": ("desk", desk.CHARGE, desk.CHARGE.c.state.in_(UNDER_WAY)),
            "captures, voids and refunds without a result": (
                "desk",
                desk.CHARGE_OPERATION,
                desk.CHARGE_OPERATION.c.state.in_(UNDER_WAY),
            ),
            "recordings that stay paused": (
                "desk",
                desk.RECORDING_PAUSE,
                desk.RECORDING_PAUSE.c.resumed_at.is_(None),
            ),
            "requests that stay locked": (
                "desk",
                desk.IDEMPOTENCY_KEY,
                desk.IDEMPOTENCY_KEY.c.answer.is_(None),
            ),
            "captures left open": (
                "secure",
                secure.CAPTURE_SESSION,
                secure.CAPTURE_SESSION.c.state.in_(UNDER_WAY),
            ),
            "attempts without a result": (
                "secure",
                secure.PAYMENT_ATTEMPT,
                secure.PAYMENT_ATTEMPT.c.state.in_(UNDER_WAY),
            ),
            "jobs that stay": ("secure", secure.JOB, secure.JOB.c.kind.is_not(None)),
        }
        found = {what: self._count(zone, table, where) for what, (zone, table, where) in open_rows.items()}
        return found | {
            "recordings left unfinished": len([*self._recordings.glob("*.part")]),
            "wills of calls": len([*self._data_dir.glob("secure/calls/*")]),
        }

    def rows(self) -> dict[str, int]:
        """How long each table is."""
        tables = [("desk", each) for each in desk.METADATA.sorted_tables]
        tables += [("secure", each) for each in secure.METADATA.sorted_tables]
        return {f"{zone} {table.name}": self._count(zone, table) for zone, table in tables}

    def recordings(self) -> int:
        """How many recordings are finished."""
        return len([*self._recordings.glob("*.wav")])

    def plant_old_rows(self) -> None:
        """Rows that are to be forgotten, as if they were two days old: answers kept under a key, and log-ins."""
        old = datetime.now(UTC) - LONG_AGO
        digests = [f"planted row {number:20}".encode() for number in range(PLANTED_ROWS)]
        kept = {
            "fingerprint": b"planted",
            "letters": "x" * 28,
            "locked_until": old,
            "status": 200,
            "answer": b"{}",
        }
        log_in = {"user_id": "usr_planted", "created_at": old, "seen_at": old, "expires_at": old}
        with self._engines["desk"].begin() as connection:
            for digest in digests:
                key = {"account_id": ACCOUNT, "digest": digest}
                connection.execute(insert(desk.IDEMPOTENCY_KEY).values(**key, **kept, created_at=old))
                connection.execute(insert(desk.LOG_IN).values(**key, **log_in))
        self._planted = set(digests)

    def planted_rows_left(self) -> int:
        """How many of the planted rows are still there."""
        return sum(
            self._count("desk", table, table.c.digest.in_(self._planted))
            for table in (desk.IDEMPOTENCY_KEY, desk.LOG_IN)
        )

    async def differences(self, line: DeskLine) -> list[str]:
        """Where the desk, the vault and the gateway's own ledger do not say the same. Words and counts alone."""
        moved = await self._moved()
        charges = await line.pages("/v1/charges")
        wrong = [each["id"] for each in charges if moved.pop(each["id"], 0) != _net(each)]
        tokens = {each["id"]: each["state"] for each in await line.pages("/v1/tokens")}
        vault = dict(self._pairs("secure", secure.TOKEN.c.token_id, secure.TOKEN.c.state))
        # The secure zone keeps the token of a first payment that was declined for itself.
        differing = [each for each in tokens if vault.get(each) != tokens[each]]
        unknown = [each for each, state in vault.items() if each not in tokens and state == "active"]
        found = {
            "charges whose money is not what the gateway's ledger has": len(wrong),
            "charges that only the gateway's ledger has": len(+Counter(moved)),
            "tokens that desk and vault see differently": len(differing),
            "tokens that the desk does not know": len(unknown),
        }
        return [f"{count} {what}" for what, count in found.items() if count]

    async def _moved(self) -> dict[str, int]:
        """By charge, what the gateway's own ledger says was taken in the end, in minor units."""
        attempts = secure.PAYMENT_ATTEMPT.c
        charge_of = dict(self._pairs("secure", attempts.attempt_id, attempts.charge_id))
        gateway = SimulatorGateway(self._data_dir / "secure" / "simulator.db", WallClock())
        try:
            movements = await gateway.movements(AccountId(ACCOUNT))
        finally:
            await gateway.close()
        moved: Counter[str] = Counter()
        for each in movements:
            sign = 1 if each.kind in (Kind.PAYMENT, Kind.CAPTURE) else -1
            moved[charge_of.get(each.reference, "nobody's")] += sign * each.money.amount_minor
        return dict(moved)

    def _pairs(self, zone: str, *columns: ColumnElement[str]) -> Iterable[tuple[str, str]]:
        with self._engines[zone].connect() as connection:
            return [(row[0], row[1]) for row in connection.execute(select(*columns))]

    def _count(self, zone: str, table: Table, where: ColumnElement[bool] | None = None) -> int:
        wanted = select(func.count()).select_from(table)
        if where is not None:
            wanted = wanted.where(where)
        with self._engines[zone].connect() as connection:
            return int(connection.execute(wanted).scalar_one())


def _engine(path: Path) -> Engine:
    return create_engine(f"sqlite:///{path}", connect_args={"timeout": 30})


def _net(charge: Json) -> int:
    """What the desk says was taken in the end, in minor units."""
    if charge["state"] not in TAKEN:
        return 0
    return int(charge["amount_captured"]) - int(charge["amount_refunded"])
