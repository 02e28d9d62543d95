"""An account that leaves: its cards never open again, the others' do, and the database holds nothing of its keys."""

import asyncio

import pytest
from sqlalchemy import select
from tests.databases import is_on_files, written
from tests.key_room import KeyRoom
from tests.unit.cde.keys.conftest import Play

from tonevault.boundary.tokens import TokenState
from tonevault.cde.keys import shredding
from tonevault.cde.keys.erasure import erase_deleted_keys
from tonevault.cde.keys.errors import CeremonyRefusedError, KeyActRefusedError
from tonevault.cde.keys.model import KeyAct
from tonevault.cde.schema import ACCOUNT_KEY, TOKEN
from tonevault.cde.vault.keys import REREAD_AFTER
from tonevault.kernel.ids import AccountId

LEAVING = AccountId("leaving")


def test_its_cards_never_open_again_and_the_others_do(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shredding, "BATCH", 2)

    async def story(room: KeyRoom) -> None:
        await room.keep(1, 2)
        staying = dict(room.cards)
        await room.keep(*range(3, 8), account=LEAVING)
        wrapped = await room.database.read(
            lambda c: (
                c.execute(select(ACCOUNT_KEY.c.wrapped).where(ACCOUNT_KEY.c.account_id == LEAVING))
                .scalars()
                .all()
            )
        )
        mandate = await room.mandate(KeyAct.SHRED, LEAVING)
        assert await room.shredding.end_keys(mandate, LEAVING, room.clock.utc()) == 2
        assert await room.shredding.is_begun(LEAVING)
        assert await room.shredding.empty_tokens(LEAVING, room.clock.utc()) == 5
        assert not await room.shredding.is_begun(LEAVING)
        rows = await room.database.read(
            lambda c: c.execute(select(TOKEN).where(TOKEN.c.account_id == LEAVING)).all()
        )
        assert {(row.state, row.sealed, row.card_index) for row in rows} == {
            (TokenState.REVOKED.value, None, None)
        }
        assert "holds nothing of them any more" in await asyncio.to_thread(erase_deleted_keys, room.database)
        if is_on_files():
            left = written(room.till.folder)
            assert not any(bytes(each) in left for each in wrapped)
        room.cards = staying
        await room.read_all()

    play(story)


def test_a_node_that_holds_the_keys_open_forgets_them_within_a_minute(play: Play) -> None:
    async def story(room: KeyRoom) -> None:
        await room.keep(1, account=LEAVING)
        ((account, token),) = room.cards
        await room.shredding.end_keys(await room.mandate(KeyAct.SHRED, LEAVING), LEAVING, room.clock.utc())
        room.clock.advance(REREAD_AFTER.total_seconds())
        assert not await room.opens(account, token)

    play(story)


def test_it_takes_two_people_and_this_account(play: Play) -> None:
    async def story(room: KeyRoom) -> None:
        await room.keep(1, account=LEAVING)
        with pytest.raises(CeremonyRefusedError, match="was approved for shred of other"):
            await room.shredding.end_keys(
                await room.mandate(KeyAct.SHRED, "other"), LEAVING, room.clock.utc()
            )
        await room.read_all()
        with pytest.raises(KeyActRefusedError, match="has no keys"):
            await room.shredding.end_keys(
                await room.mandate(KeyAct.SHRED, "nobody"), AccountId("nobody"), room.clock.utc()
            )

    play(story)
