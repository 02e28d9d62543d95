"""The key ring: keys are made once, stored wrapped, told apart by purpose, and held in bounds."""

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import delete, select
from tests.till import ACCOUNT, START, Till

from tonevault.cde.key_custody import KeyCustodyError
from tonevault.cde.schema import ACCOUNT_KEY
from tonevault.cde.vault import keys
from tonevault.cde.vault.errors import CardUnreadableError
from tonevault.cde.vault.keys import KeyRing
from tonevault.kernel.ids import AccountId


def test_two_rings_open_the_same_keys_and_the_table_shows_none(tmp_path: Path) -> None:
    async def story() -> None:
        till = Till(tmp_path)
        made = await KeyRing(till.database, till.custody).of(ACCOUNT, START)
        read = await KeyRing(till.database, till.custody).of(ACCOUNT, START)
        assert (read.epoch, read.index_key) == (made.epoch, made.index_key)
        sealed = made.cipher.encrypt(bytes(12), b"card", None)
        assert read.cipher.decrypt(bytes(12), sealed, None) == b"card"
        (kek,) = till.custody.key_ids()
        rows = await till.database.read(lambda c: c.execute(select(ACCOUNT_KEY)).all())
        assert {(row.purpose, row.epoch, row.key_id) for row in rows} == {
            ("data", 1, kek),
            ("index", 1, kek),
        }
        assert all(made.index_key not in row.wrapped for row in rows)
        assert "index_key" not in repr(made)
        await till.close()

    asyncio.run(story())


def test_keys_of_two_accounts_differ(tmp_path: Path) -> None:
    async def story() -> None:
        till = Till(tmp_path)
        ring = KeyRing(till.database, till.custody)
        one, other = await ring.of(ACCOUNT, START), await ring.of(AccountId("other"), START)
        assert one.index_key != other.index_key
        await till.close()

    asyncio.run(story())


@pytest.mark.parametrize("moved", ["account_id", "purpose"])
def test_a_key_moved_to_another_row_does_not_open(tmp_path: Path, moved: str) -> None:
    async def story() -> None:
        till = Till(tmp_path)
        await KeyRing(till.database, till.custody).of(ACCOUNT, START)
        await KeyRing(till.database, till.custody).of(AccountId("other"), START)
        rows = await till.database.read(
            lambda c: {(row.account_id, row.purpose): row.wrapped for row in c.execute(select(ACCOUNT_KEY))}
        )
        stolen = rows["other", "data"] if moved == "account_id" else rows[ACCOUNT, "index"]
        here = (ACCOUNT_KEY.c.account_id == ACCOUNT, ACCOUNT_KEY.c.purpose == "data")
        await till.database.transact(
            lambda c: c.execute(ACCOUNT_KEY.update().where(*here).values(wrapped=stolen))
        )
        with pytest.raises(KeyCustodyError):
            await KeyRing(till.database, till.custody).of(ACCOUNT, START)
        await till.close()

    asyncio.run(story())


def test_a_shredded_epoch_is_told(tmp_path: Path) -> None:
    async def story() -> None:
        till = Till(tmp_path)
        ring = KeyRing(till.database, till.custody)
        await ring.of(ACCOUNT, START)
        with pytest.raises(CardUnreadableError, match="shredded"):
            await ring.cipher(ACCOUNT, 7, START)
        await till.close()

    asyncio.run(story())


def test_the_ring_is_bounded_and_forgets_the_longest_unused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story() -> None:
        till = Till(tmp_path)
        monkeypatch.setattr(keys, "CACHED_ACCOUNTS", 2)
        ring = KeyRing(till.database, till.custody)
        for name in ("one", "two", "one", "three"):
            await ring.of(AccountId(name), START)
        await till.database.transact(lambda c: c.execute(delete(ACCOUNT_KEY)))
        held = (await ring.of(AccountId("one"), START)).index_key
        assert held == (await ring.of(AccountId("one"), START)).index_key
        rows = await till.database.read(lambda c: c.execute(select(ACCOUNT_KEY)).all())
        assert rows == []  # "one" and "three" are held; "two" would be made anew
        await ring.of(AccountId("two"), START)
        assert len(await till.database.read(lambda c: c.execute(select(ACCOUNT_KEY)).all())) == 2
        await till.close()

    asyncio.run(story())
