"""The audit log: complete, in order, and any change to it is found."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Connection, delete, update
from tests.unit.desk.bench import ACME, open_desk

from tonevault.desk.people.model import Role
from tonevault.desk.schema import AUDIT_ENTRY, SERIES


def test_what_matters_is_logged_without_what_was_typed(tmp_path: Path) -> None:
    async def play() -> None:
        async with open_desk(tmp_path) as desk, desk.client() as client:
            await desk.services.people.add_user(ACME, "sam", "Sam", Role.AGENT, "correct horse battery")
            logged_in = await desk.services.log_ins.log_in("sam", "correct horse battery", "192.0.2.1", ACME)
            await desk.services.log_ins.log_out(logged_in.secret.text)
            done = await desk.take_card(client, amount=100, currency="GBP", description="Two nights")
            entries = (await client.get("/v1/audit_entries")).json()
            actions = [each["action"] for each in entries]
            assert actions == [
                "create_account",
                "create_api_key",
                "add_user",
                "log_in",
                "log_out",
                "open_session",
                "capture_field",
                "capture_field",
                "capture_field",
                "complete_session",
            ]
            assert [each["number"] for each in entries] == list(range(1, len(entries) + 1))
            assert entries[-1]["subject"] == done["id"]
            assert "Two nights" not in str(entries)
            page = (await client.get("/v1/audit_entries", params={"after": 3, "limit": 2})).json()
            assert [each["number"] for each in page] == [4, 5]
            assert await desk.services.people.first_broken_audit_entry(ACME) is None

    asyncio.run(play())


_OF_ACME = AUDIT_ENTRY.c.account_id == ACME


@pytest.mark.parametrize(
    ("tamper", "found"),
    [
        (
            lambda c: c.execute(
                update(AUDIT_ENTRY).where(_OF_ACME, AUDIT_ENTRY.c.number == 2).values(actor="x")
            ),
            2,
        ),
        (lambda c: c.execute(delete(AUDIT_ENTRY).where(_OF_ACME, AUDIT_ENTRY.c.number == 2)), 2),
        (lambda c: c.execute(delete(AUDIT_ENTRY).where(_OF_ACME, AUDIT_ENTRY.c.number == 3)), 3),
        (lambda c: c.execute(update(SERIES).where(SERIES.c.name == "audit").values(number=9)), 4),
    ],
)
def test_tampering_is_found(tmp_path: Path, tamper: Callable[[Connection], object], found: int) -> None:
    async def play() -> None:
        async with open_desk(tmp_path) as desk:
            await desk.services.people.add_user(ACME, "sam", "Sam", Role.AGENT)
            await desk.database.transact(tamper)
            assert await desk.services.people.first_broken_audit_entry(ACME) == found

    asyncio.run(play())
