"""Rotation, re-wrapping and the end of a key-encrypting key: no card is touched, nothing that is needed is destroyed."""

import pytest
from sqlalchemy import select
from tests.key_room import KeyRoom
from tests.unit.cde.keys.conftest import Play

from tonevault.cde.custodies.file import FileCustody, SharePaths
from tonevault.cde.key_custody import KeyCustodyError
from tonevault.cde.keys.census import take_census
from tonevault.cde.keys.errors import CeremonyRefusedError
from tonevault.cde.keys.model import KeyAct
from tonevault.cde.schema import ACCOUNT_KEY, AUDIT_ENTRY, TOKEN
from tonevault.cde.vault.key_store import KekState, keks
from tonevault.kernel.ids import AccountId


async def in_force(room: KeyRoom) -> str:
    (kek,) = [each for each in await room.database.read(keks) if each.state is KekState.IN_FORCE]
    return kek.key_id


async def wrapping_keys(room: KeyRoom) -> set[str]:
    return set(await room.database.read(lambda c: c.execute(select(ACCOUNT_KEY.c.key_id)).scalars().all()))


def test_a_rotated_rewrapped_and_retired_key_is_gone_and_every_card_reads_back(play: Play) -> None:
    async def story(room: KeyRoom) -> None:
        await room.keep(1, 2, 3)
        await room.keep(4, account=AccountId("other"))
        old = await in_force(room)
        cards = await room.database.read(lambda c: c.execute(select(TOKEN)).all())
        new = (await room.rotation.rotate(await room.mandate(KeyAct.ROTATE), room.clock.utc())).key_id
        await room.keep(5, account=AccountId("third"))
        assert await wrapping_keys(room) == {old, new}
        await room.read_all()
        assert await room.rewrapping.run(room.clock.utc(), "alice") == 4
        assert await wrapping_keys(room) == {new}
        assert await room.rewrapping.run(room.clock.utc(), "alice") == 0
        report = await room.retirement.run(await room.mandate(KeyAct.RETIRE), room.clock.utc())
        assert (len(report.retired), report.kept) == (1, [])
        assert room.till.custody.key_ids() == (new,)
        again = await room.database.read(lambda c: c.execute(select(TOKEN)).all())
        assert set(cards) <= set(again), "no card row is touched"
        await room.reopen()
        await room.read_all()

    play(story)


def test_a_key_that_wraps_something_is_kept_and_it_is_said_what(play: Play) -> None:
    async def story(room: KeyRoom) -> None:
        await room.keep(1)
        old = await in_force(room)
        await room.rotation.rotate(await room.mandate(KeyAct.ROTATE), room.clock.utc())
        report = await room.retirement.run(await room.mandate(KeyAct.RETIRE), room.clock.utc())
        assert report.retired == []
        assert report.kept == [f"{old}: wraps 2 keys; `tonevault keys rewrap` moves them"]
        await room.reopen()
        await room.read_all()

    play(story)


def test_each_act_needs_its_own_mandate(play: Play) -> None:
    async def story(room: KeyRoom) -> None:
        await room.keep(1)
        mandate = await room.mandate(KeyAct.RETIRE)
        before = room.till.custody.key_ids()
        with pytest.raises(CeremonyRefusedError, match="was approved for retire"):
            await room.rotation.rotate(mandate, room.clock.utc())
        assert room.till.custody.key_ids() == before

    play(story)


def test_a_kill_between_making_a_key_and_registering_it_leaves_the_old_one_in_force(play: Play) -> None:
    async def story(room: KeyRoom) -> None:
        await room.keep(1)
        old = await in_force(room)
        room.till.custody.make_key()  # What a kill at that moment leaves behind.
        await room.reopen()
        assert await in_force(room) == old
        await room.read_all()
        await room.keep(2, account=AccountId("other"))
        assert await wrapping_keys(room) == {old}

    play(story)


def test_a_kill_between_retiring_and_destroying_is_finished_by_the_next_retirement(play: Play) -> None:
    async def story(room: KeyRoom) -> None:
        await room.keep(1)
        old = await in_force(room)
        new = (await room.rotation.rotate(await room.mandate(KeyAct.ROTATE), room.clock.utc())).key_id
        await room.rewrapping.run(room.clock.utc(), "alice")
        destroy, room.till.custody.destroy_key = room.till.custody.destroy_key, _killed  # type: ignore[method-assign]
        with pytest.raises(KeyCustodyError, match="killed"):
            await room.retirement.run(await room.mandate(KeyAct.RETIRE), room.clock.utc())
        assert set(room.till.custody.key_ids()) == {old, new}
        room.till.custody.destroy_key = destroy  # type: ignore[method-assign]
        report = await room.retirement.run(await room.mandate(KeyAct.RETIRE), room.clock.utc())
        assert len(report.retired) == 1
        assert room.till.custody.key_ids() == (new,)

    play(story)


def _killed(key_id: str) -> str:
    raise KeyCustodyError("killed")


def test_a_running_node_follows_a_rotation_without_a_restart(play: Play) -> None:
    async def story(room: KeyRoom) -> None:
        await room.keep(1)
        ceremony_node = FileCustody(SharePaths.below(room.till.folder))
        room.rotation._custody = ceremony_node
        new = (await room.rotation.rotate(await room.mandate(KeyAct.ROTATE), room.clock.utc())).key_id
        await room.keep(2, account=AccountId("other"))
        await room.read_all()
        assert new in await wrapping_keys(room)

    play(story)


def test_the_log_and_the_census_tell_of_it(play: Play) -> None:
    async def story(room: KeyRoom) -> None:
        await room.keep(1, 2)
        new = (await room.rotation.rotate(await room.mandate(KeyAct.ROTATE), room.clock.utc())).key_id
        census = await room.database.read(take_census)
        assert [(line.kek.state, line.wraps) for line in census.keks] == [
            (KekState.KEPT, 2),
            (KekState.IN_FORCE, 0),
        ]
        assert [(line.purpose.value, line.cards, line.in_force) for line in census.keys] == [
            ("data", 2, True),
            ("index", None, True),
        ]
        wanted = select(AUDIT_ENTRY.c.subject).where(AUDIT_ENTRY.c.action == "key_rotated")
        assert await room.database.read(lambda c: c.execute(wanted).scalars().all()) == [new]

    play(story)
