"""The panel mounted on a desk that runs in the test's own loop, and an agent's browser without a window: cookies, CSRF token, HTML."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
from tests.unit.desk.bench import ACME, Bench, open_desk

from tonevault.boundary.captures import FieldName
from tonevault.desk.panel.mount import mount_panel
from tonevault.desk.people.model import Role
from tonevault.plumbing.entropy import SYSTEM_ENTROPY

FIELDS = (FieldName.CARD_NUMBER, FieldName.EXPIRY, FieldName.SECURITY_CODE)
PASSWORD = "correct horse battery"


@asynccontextmanager
async def open_front(folder: Path) -> AsyncIterator[Bench]:
    """A desk with its panel."""
    async with open_desk(folder) as bench:
        mount_panel(
            bench.app,
            bench.services,
            bench.clock,
            SYSTEM_ENTROPY,
            currency_of=lambda _: "GBP",
            fields_of=lambda _: FIELDS,
        )
        yield bench


async def log_in(bench: Bench, client: httpx.AsyncClient, role: Role = Role.AGENT) -> None:
    """A person with this role logs in by the page; the CSRF token that the page gives is sent from then on."""
    account = await bench.services.people.find_account(ACME)
    assert account is not None
    await bench.services.people.add_user(ACME, role.value, f"Some {role}", role, PASSWORD)
    form = {"login": role.value, "password": PASSWORD, "account": ACME}
    answer = await client.post("/login", data=form)
    assert (answer.status_code, answer.headers["location"]) == (303, "/panel")
    page = (await client.get("/panel")).text
    found = re.search(r'"X-CSRF-Token": "([^"]+)"', page)
    assert found is not None
    client.headers["X-CSRF-Token"] = found[1]
