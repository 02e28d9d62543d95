"""An audit log for tests: a database with its schema, entries at will, and its check."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import Connection, select
from tests.databases import secure_url

from tonevault.cde.audit.chain import Chains, Head
from tonevault.cde.audit.log import record
from tonevault.cde.audit.model import Action
from tonevault.cde.audit.verify import Verdict, check
from tonevault.cde.migrations import SCRIPTS
from tonevault.cde.schema import AUDIT_ENTRY
from tonevault.plumbing.migrations import upgrade
from tonevault.plumbing.sql import Database

START = datetime(2027, 3, 1, 12, tzinfo=UTC)


class HeldHeads:
    """An anchor in memory."""

    def __init__(self) -> None:
        self.heads: dict[str, Head] = {}

    def hold(self, chain: str, head: Head) -> None:
        self.heads[chain] = head


class Log:
    """One node's log."""

    def __init__(self, folder: Path, node: str = "secure") -> None:
        self.database = Database(secure_url(folder))
        upgrade(self.database, SCRIPTS)
        self.anchor = HeldHeads()
        self.database.at_commit(Chains(node, self.anchor))

    def enter(self, numbers: Iterable[int]) -> None:
        """Each in a transaction of its own."""
        for number in numbers:
            self.database.transact_now(lambda c, number=number: entry(c, number))  # type: ignore[misc]

    def check(self, seen: Iterable[bytes] = ()) -> Verdict:
        return self.database.visit(lambda c: check(c, self.anchor.heads, set(seen)))

    def chain(self) -> str:
        """The chain that has most entries."""
        chains = self.database.read_now(lambda c: c.execute(select(AUDIT_ENTRY.c.chain)).scalars().all())
        return str(max(set(chains), key=chains.count))

    def close(self) -> None:
        self.database.close_now()


def entry(connection: Connection, number: int) -> None:
    record(
        connection,
        Action.CARD_DRAWN,
        at=START + timedelta(microseconds=number),
        subject=f"tok_{number}",
        account="acme" if number % 2 else "bolt",
        detail={"gateway": "simulator", "charge": f"ch_{number}"},
    )
