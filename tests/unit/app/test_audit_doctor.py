"""`tonevault doctor --audit`: both logs of a deployment, sound and tampered with."""

import asyncio
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import delete, update

from tonevault.app.audit_doctor import examine_audit
from tonevault.app.cli import main
from tonevault.app.databases import upgrade_zones
from tonevault.app.embedded import places
from tonevault.app.findings import Level
from tonevault.app.people import provisioning
from tonevault.app.settings import TonevaultSettings
from tonevault.cde.audit.anchor_file import AnchorFile, in_letters, read_anchors
from tonevault.cde.audit.chain import Chains
from tonevault.cde.audit.log import record
from tonevault.cde.audit.model import Action
from tonevault.cde.schema import AUDIT_ENTRY
from tonevault.desk.people.model import Role
from tonevault.desk.schema import AUDIT_ENTRY as DESK_ENTRY
from tonevault.kernel.ids import AccountId
from tonevault.plumbing.sql import Database

NOW = datetime(2027, 3, 1, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _umask() -> Iterator[None]:
    """The command makes its process's files private; the tests that come after have their own idea."""
    before = os.umask(0o022)
    os.umask(before)
    yield
    os.umask(before)


def deployment(folder: Path) -> TonevaultSettings:
    """Both zones with something in their logs, and the heads held as the secure process holds them."""
    settings = TonevaultSettings.model_validate(
        {
            "data_dir": folder / "data",
            "accounts": [{"id": "acme", "name": "Acme"}, {"id": "bolt", "name": "Bolt"}],
        }
    )
    upgrade_zones(settings, "both")
    where = places(settings)
    database, anchor = Database(where.secure_database), AnchorFile(where.audit_heads)
    database.at_commit(Chains(anchor=anchor))
    for number in range(5):
        database.transact_now(
            partial(record, action=Action.TOKEN_MADE, at=NOW, account="acme", subject=f"tok_{number}")
        )
    database.close_now()
    anchor.close()

    async def people() -> None:
        async with provisioning(settings) as desk:
            for account in ("acme", "bolt"):
                await desk.people.add_user(
                    AccountId(account), "sam", "Sam", Role.AGENT, "correct horse battery"
                )

    asyncio.run(people())
    return settings


def levels(settings: TonevaultSettings, *heads: str) -> list[Level]:
    return [each.level for each in examine_audit(settings, heads)]


def tamper(url: str, statement: object) -> None:
    database = Database(url)
    database.transact_now(lambda c: c.execute(statement).close())  # type: ignore[call-overload]
    database.close_now()


def test_sound_logs_hold_and_the_command_says_so(tmp_path: Path) -> None:
    settings = deployment(tmp_path)
    assert levels(settings) == [Level.OK, Level.OK]
    (head,) = read_anchors(places(settings).audit_heads).values()
    assert levels(settings, in_letters(head.digest)) == [Level.OK, Level.OK]
    done = CliRunner().invoke(main, ["doctor", "--audit"], env={"TONEVAULT_DATA_DIR": str(settings.data_dir)})
    assert done.exit_code == 0, done.output
    assert "5 entries in 1 chains hold" in done.output


def test_a_changed_entry_of_the_secure_zone_is_named(tmp_path: Path) -> None:
    settings = deployment(tmp_path)
    tamper(
        places(settings).secure_database,
        update(AUDIT_ENTRY).where(AUDIT_ENTRY.c.number == 3).values(subject="tok_other"),
    )
    secure, desk = examine_audit(settings)
    assert (secure.is_fault, desk.level) == (True, Level.OK)
    assert "chain secure.one: entry 3 was changed" in secure.detail
    done = CliRunner().invoke(main, ["doctor", "--audit"], env={"TONEVAULT_DATA_DIR": str(settings.data_dir)})
    assert done.exit_code == 1


def test_an_entry_taken_from_the_desk_is_named_with_its_account(tmp_path: Path) -> None:
    settings = deployment(tmp_path)
    tamper(
        places(settings).desk_database,
        delete(DESK_ENTRY).where(DESK_ENTRY.c.account_id == "bolt", DESK_ENTRY.c.number == 1),
    )
    secure, desk = examine_audit(settings)
    assert (secure.level, desk.is_fault) == (Level.OK, True)
    assert "account bolt: entry 1" in desk.detail


def test_a_database_that_was_put_back_no_longer_fits_its_heads(tmp_path: Path) -> None:
    settings = deployment(tmp_path)
    where = places(settings)
    Path(where.secure_database.removeprefix("sqlite:///")).unlink()
    upgrade_zones(settings, "secure")
    assert levels(settings) == [Level.FAULT, Level.OK]


def test_heads_that_cannot_be_read_and_heads_that_stand_nowhere(tmp_path: Path) -> None:
    settings = deployment(tmp_path)
    assert levels(settings, "p" * 64) == [Level.FAULT, Level.OK]
    assert levels(settings, "4242") == [Level.FAULT, Level.OK]
    assert "4242" not in str(examine_audit(settings, ["4242"])[0])
    places(settings).audit_heads.write_text("nonsense\n")
    assert levels(settings) == [Level.FAULT, Level.OK]


def test_what_is_not_there_yet_is_no_fault(tmp_path: Path) -> None:
    settings = TonevaultSettings.model_validate({"data_dir": tmp_path, "accounts": []})
    assert Level.FAULT not in levels(settings)
    assert not (tmp_path / "secure").exists()
