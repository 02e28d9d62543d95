"""Capture sessions in the secure zone's database: the view that the desk may see, and no more. Dots and masks only (PCI DSS 3.2.1)."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import Connection, select

from tonevault.boundary.captures import CaptureState, CaptureView
from tonevault.cde.capture.model import LIVE
from tonevault.cde.schema import CAPTURE_SESSION
from tonevault.kernel.ids import AccountId, ChargeId, SessionId
from tonevault.plumbing.bulk import put_newest
from tonevault.plumbing.sql import Database

KEY: Final = ("account_id", "session_id")
MAX_LEFT_OPEN: Final = 10_000
"""Sessions of one node that a crash can leave open: ten times the calls of a large node."""


class SqlCaptureStore:
    """Implements CaptureStore for one node."""

    def __init__(self, database: Database, node: str = "secure") -> None:
        """`node` names this process among those on one database, the same after each restart."""
        self._database = database
        self._node = node

    async def save(self, view: CaptureView, charge_id: ChargeId | None) -> None:
        """See CaptureStore."""
        await self._database.transact_together(self._save_all, (view, charge_id))

    async def find(self, session_id: SessionId) -> CaptureView | None:
        """See CaptureStore."""
        wanted = select(CAPTURE_SESSION.c.view).where(CAPTURE_SESSION.c.session_id == session_id)
        found = await self._database.read(lambda c: c.execute(wanted).scalar_one_or_none())
        return None if found is None else CaptureView.model_validate_json(found)

    async def unknown_of(self, account: AccountId, charge_id: ChargeId) -> CaptureView | None:
        """See CaptureStore."""
        wanted = select(CAPTURE_SESSION.c.view).where(
            CAPTURE_SESSION.c.account_id == account,
            CAPTURE_SESSION.c.charge_id == charge_id,
            CAPTURE_SESSION.c.state == CaptureState.UNKNOWN.value,
        )
        found = await self._database.read(lambda c: c.execute(wanted).scalars().first())
        return None if found is None else CaptureView.model_validate_json(found)

    async def left_open(self) -> list[tuple[CaptureView, ChargeId | None]]:
        """See CaptureStore."""
        wanted = (
            select(CAPTURE_SESSION.c.view, CAPTURE_SESSION.c.charge_id)
            .where(
                CAPTURE_SESSION.c.node == self._node,
                CAPTURE_SESSION.c.state.in_([each.value for each in LIVE]),
            )
            .order_by(CAPTURE_SESSION.c.updated_at.desc())
            .limit(MAX_LEFT_OPEN)
        )
        rows = await self._database.read(lambda c: c.execute(wanted).all())
        return [(CaptureView.model_validate_json(row.view), row.charge_id) for row in rows]

    def _save_all(
        self, connection: Connection, views: Sequence[tuple[CaptureView, ChargeId | None]]
    ) -> list[None]:
        """By one statement, for sessions end by the dozen where calls do."""
        rows = [
            {
                "account_id": view.account_id,
                "session_id": view.session_id,
                "node": self._node,
                "state": view.state.value,
                "charge_id": charge_id,
                "revision": view.revision,
                "view": view.model_dump_json(),
                "updated_at": view.updated_at,
            }
            for view, charge_id in views
        ]
        put_newest(connection, CAPTURE_SESSION, rows, KEY, "revision")
        return [None] * len(rows)
