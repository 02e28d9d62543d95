"""Re-keying: every card comes under the newest key and reads back at every moment; nothing is stored under a key whose time is over."""

import asyncio

import pytest
from sqlalchemy import select, update
from tests.custodians import ACME, card_digits
from tests.key_room import KeyRoom
from tests.till import EXPIRY, number
from tests.unit.cde.keys.conftest import Play

from tonevault.boundary.tokens import TokenUsage
from tonevault.cde.keys import reseal
from tonevault.cde.keys.epochs import Wish
from tonevault.cde.keys.errors import KeyActRefusedError
from tonevault.cde.keys.model import KeyAct
from tonevault.cde.keys.retirement import SETTLING, cards_by_epoch
from tonevault.cde.schema import TOKEN
from tonevault.cde.vault.errors import CardUnreadableError
from tonevault.cde.vault.key_store import KeyPurpose, keys_of
from tonevault.cde.vault.service import Vault
from tonevault.kernel.ids import AccountId


@pytest.fixture(autouse=True)
def _small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reseal, "BATCHES", {"sqlite": 3, "postgresql": 3})


async def begin(room: KeyRoom, *, index: bool = False, subject: str = "*") -> None:
    act = KeyAct.REKEY_INDEX if index else KeyAct.REKEY
    await room.rekeying.begin(await room.mandate(act, subject), room.clock.utc())


async def epochs(room: KeyRoom) -> dict[int, int]:
    return await room.database.read(lambda c: cards_by_epoch(c, ACME))


async def live_keys(room: KeyRoom) -> set[tuple[KeyPurpose, int]]:
    return {(key.purpose, key.epoch) for key in await room.database.read(lambda c: keys_of(c, ACME))}


@pytest.mark.parametrize("index", [False, True])
def test_every_card_comes_under_the_newest_key_and_the_old_one_can_be_retired(
    play: Play, index: bool
) -> None:
    async def story(room: KeyRoom) -> None:
        await room.keep(*range(8))
        await begin(room, index=index)
        await room.read_all()
        told: list[tuple[int, int]] = []
        assert (
            await room.rekeying.run(ACME, room.clock.utc(), lambda done, whole: told.append((done, whole)))
            == 8
        )
        assert told == [(3, 8), (6, 8), (8, 8), (8, 8)]
        assert await epochs(room) == {2: 8}
        await room.read_all()
        room.clock.advance(SETTLING.total_seconds())
        report = await room.retirement.run(await room.mandate(KeyAct.RETIRE), room.clock.utc())
        assert (len(report.retired), report.kept) == (2 if index else 1, [])
        assert await live_keys(room) == {(KeyPurpose.DATA, 2), (KeyPurpose.INDEX, 2 if index else 1)}
        await room.reopen()
        await room.read_all()

    play(story)


def test_the_same_card_has_the_same_token_before_during_and_after_an_index_re_keying(play: Play) -> None:
    async def story(room: KeyRoom) -> None:
        await room.keep(*range(5))
        tokens = dict(
            zip((card_digits(p) for p in range(5)), (token for _, token in room.cards), strict=True)
        )

        async def all_known() -> None:
            for digits, token in tokens.items():
                view, existing = await room.till.vault.tokenise(
                    ACME, number(digits), EXPIRY, TokenUsage.MULTI, room.clock.utc()
                )
                assert (view.token_id, existing) == (token, True)

        await begin(room, index=True)
        await all_known()
        keys = await room.rekeying._ring.reread(ACME, room.clock.utc())
        some = await room.database.read(lambda c: reseal.read_batch(c, ACME, keys.epoch, ""))
        fresh = reseal.reseal(ACME, some, keys)
        await room.database.transact(lambda c: reseal.write_batch(c, ACME, fresh, keys.epoch))
        await all_known()
        await room.rekeying.run(ACME, room.clock.utc())
        await all_known()
        room.clock.advance(SETTLING.total_seconds())
        await room.retirement.run(await room.mandate(KeyAct.RETIRE), room.clock.utc())
        await room.reopen()
        await all_known()

    play(story)


def test_a_node_with_old_keys_in_hand_stores_nothing_under_them(play: Play) -> None:
    async def story(room: KeyRoom) -> None:
        await room.keep(1)
        stale = Vault(room.database, room.till.custody)
        await stale.tokenise(ACME, number(card_digits(2)), EXPIRY, TokenUsage.MULTI, room.clock.utc())
        await begin(room)
        # The node's keys are as fresh as a second ago; only the transaction itself can tell that others came into force.
        await stale.tokenise(ACME, number(card_digits(3)), EXPIRY, TokenUsage.MULTI, room.clock.utc())
        assert await epochs(room) == {1: 2, 2: 1}

    play(story)


def test_captures_reads_and_revocations_go_on_while_two_nodes_re_key(play: Play) -> None:
    async def story(room: KeyRoom) -> None:
        await room.keep(*range(12))
        await begin(room)
        other = KeyRoom(room.till)

        async def serve() -> None:
            for place in range(12, 24):
                await room.keep(place)
                await room.read_all()
            for account, token in list(room.cards)[:3]:
                await room.till.vault.revoke(account, token, room.clock.utc())
                del room.cards[account, token]

        await asyncio.gather(
            serve(),
            room.rekeying.run(ACME, room.clock.utc()),
            other.rekeying.run(ACME, room.clock.utc()),
        )
        assert await epochs(room) == {2: 21}
        await room.read_all()

    play(story)


def test_a_batch_that_comes_late_brings_no_revoked_card_back(play: Play) -> None:
    async def story(room: KeyRoom) -> None:
        await room.keep(1, 2)
        await begin(room)
        keys = await room.rekeying._ring.reread(ACME, room.clock.utc())
        some = await room.database.read(lambda c: reseal.read_batch(c, ACME, keys.epoch, ""))
        fresh = reseal.reseal(ACME, some, keys)
        (account, token), *_ = room.cards
        await room.till.vault.revoke(account, token, room.clock.utc())
        assert await room.database.transact(lambda c: reseal.write_batch(c, ACME, fresh, keys.epoch)) == 1
        assert await room.database.transact(lambda c: reseal.write_batch(c, ACME, fresh, keys.epoch)) == 0
        rows = await room.database.read(lambda c: c.execute(select(TOKEN.c.token_id, TOKEN.c.sealed)).all())
        assert {row.token_id: row.sealed is None for row in rows}[token]

    play(story)


def test_a_mandate_begins_one_epoch_however_often_it_is_repeated(play: Play) -> None:
    async def story(room: KeyRoom) -> None:
        await room.keep(1)
        await room.keep(2, account=AccountId("other"))
        room.clock.advance(10)
        mandate = await room.mandate(KeyAct.REKEY)
        for _ in range(2):  # The first was killed before its end: the ceremony is not carried out yet.
            for account in ("acme", "other"):
                wish = Wish("alice", mandate.ceremony.proposed_at, room.clock.utc())
                await room.rekeying._epochs.begin(AccountId(account), (KeyPurpose.DATA,), wish)
        await room.rekeying.begin(mandate, room.clock.utc())
        assert await live_keys(room) == {(KeyPurpose.DATA, 1), (KeyPurpose.DATA, 2), (KeyPurpose.INDEX, 1)}

    play(story)


def test_a_superseded_key_with_cards_or_just_superseded_is_kept_and_it_is_said_why(play: Play) -> None:
    async def story(room: KeyRoom) -> None:
        await room.keep(1, 2)
        await begin(room)
        report = await room.retirement.run(await room.mandate(KeyAct.RETIRE), room.clock.utc())
        assert report.kept == [
            "acme: data key, epoch 1: 2 cards need it; `tonevault keys rekey` brings them on"
        ]
        await room.rekeying.run(ACME, room.clock.utc())
        report = await room.retirement.run(await room.mandate(KeyAct.RETIRE), room.clock.utc())
        assert report.kept == [
            "acme: data key, epoch 1: was superseded less than 2 minutes ago; try again then"
        ]

    play(story)


def test_a_damaged_row_stops_the_re_keying_and_is_named(play: Play) -> None:
    async def story(room: KeyRoom) -> None:
        await room.keep(1)
        ((_, token),) = room.cards
        await room.database.transact(lambda c: c.execute(update(TOKEN).values(sealed=bytes(60))))
        await begin(room)
        with pytest.raises(CardUnreadableError, match=rf"{token}: .*restore its row, or revoke the token"):
            await room.rekeying.run(ACME, room.clock.utc())
        assert [(each.account, each.cards) for each in await room.rekeying.unfinished()] == [(ACME, 1)]

    play(story)


def test_an_account_without_keys_is_named(play: Play) -> None:
    async def story(room: KeyRoom) -> None:
        await room.keep(1)
        with pytest.raises(KeyActRefusedError, match="--account: has no keys"):
            await begin(room, subject="nobody")

    play(story)
