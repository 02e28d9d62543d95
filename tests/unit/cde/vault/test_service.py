"""The vault: one multi-use token a card and account, single use that is single, shredding that leaves nothing to open."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select
from tests.databases import written
from tests.till import ACCOUNT, EXPIRY, START, Play, Till, number, player

from tonevault.boundary.tokens import TokenState, TokenUsage
from tonevault.cde.schema import TOKEN
from tonevault.cde.sealed.small_field import Expiry
from tonevault.cde.sealed.warrant import open_number
from tonevault.cde.vault.errors import CardUnreadableError, TokenNotChargeableError, TokenNotFoundError
from tonevault.cde.vault.service import OpenCard, OpeningPurpose
from tonevault.kernel.ids import AccountId, TokenId

CHARGE = OpeningPurpose.CHARGE


@pytest.fixture
def play(tmp_path: Path) -> Play:
    return player(tmp_path)


def test_one_card_has_one_token_however_often_and_at_once_it_is_captured(play: Play) -> None:
    async def story(till: Till) -> None:
        taken = await asyncio.gather(
            *(till.vault.tokenise(ACCOUNT, number(), EXPIRY, TokenUsage.MULTI, START) for _ in range(12))
        )
        assert len({view.token_id for view, _ in taken}) == 1
        assert [existing for _, existing in taken].count(False) == 1
        await till.reopen()
        view, existing = await till.vault.tokenise(ACCOUNT, number(), EXPIRY, TokenUsage.MULTI, START)
        assert existing
        assert view.token_id == taken[0][0].token_id

    play(story)


def test_two_nodes_that_meet_a_new_account_at_once_agree(play: Play, tmp_path: Path) -> None:
    async def story(till: Till) -> None:
        other = Till(tmp_path)
        (one, _), (two, _) = await asyncio.gather(
            till.vault.tokenise(ACCOUNT, number(), EXPIRY, TokenUsage.MULTI, START),
            other.vault.tokenise(ACCOUNT, number(), EXPIRY, TokenUsage.MULTI, START),
        )
        assert one.token_id == two.token_id
        async with other.vault.open_card(ACCOUNT, one.token_id, CHARGE, START) as card:
            assert card.number.last4 == "4242"
        await other.close()

    play(story)


def test_other_accounts_get_other_tokens_and_cannot_see_this_one(play: Play) -> None:
    async def story(till: Till) -> None:
        stranger = AccountId("stranger")
        mine = await till.token()
        theirs, existing = await till.vault.tokenise(stranger, number(), EXPIRY, TokenUsage.MULTI, START)
        assert theirs.token_id != mine.token_id
        assert not existing
        with pytest.raises(TokenNotFoundError):
            await till.vault.token(stranger, mine.token_id, START)
        indexes = await till.database.read(lambda c: c.execute(select(TOKEN.c.card_index)).scalars().all())
        assert len(set(indexes)) == 2

    play(story)


def test_a_newer_expiry_counts_and_an_older_does_not(play: Play) -> None:
    async def story(till: Till) -> None:
        async def capture(expiry: Expiry) -> tuple[int, int]:
            view, _ = await till.vault.tokenise(ACCOUNT, number(), expiry, TokenUsage.MULTI, START)
            return view.card.exp_month, view.card.exp_year

        assert await capture(Expiry(5, 2028)) == (5, 2028)
        assert await capture(Expiry(6, 2028)) == (6, 2028)
        assert await capture(Expiry(12, 2027)) == (6, 2028)

    play(story)


def test_an_expired_card_cannot_be_opened_until_its_new_expiry_is_captured(play: Play) -> None:
    async def story(till: Till) -> None:
        view, _ = await till.vault.tokenise(ACCOUNT, number(), Expiry(4, 2027), TokenUsage.MULTI, START)
        later = START + timedelta(days=90)
        assert (await till.vault.token(ACCOUNT, view.token_id, later)).state is TokenState.EXPIRED
        with pytest.raises(TokenNotChargeableError):
            async with till.vault.open_card(ACCOUNT, view.token_id, CHARGE, later):
                pass
        again, existing = await till.vault.tokenise(ACCOUNT, number(), EXPIRY, TokenUsage.MULTI, later)
        assert (again.token_id, again.state, existing) == (view.token_id, TokenState.ACTIVE, True)

    play(story)


def test_a_single_use_token_is_always_new_and_opens_once(play: Play) -> None:
    async def story(till: Till) -> None:
        multi = await till.token()
        one, two = await till.token(usage=TokenUsage.SINGLE), await till.token(usage=TokenUsage.SINGLE)
        assert len({multi.token_id, one.token_id, two.token_id}) == 3
        assert one.expires_at == START + timedelta(minutes=15)
        opened: list[OpenCard] = []

        async def try_to_open() -> None:
            async with till.vault.open_card(ACCOUNT, one.token_id, CHARGE, START) as card:
                opened.append(card)

        outcomes = await asyncio.gather(*(try_to_open() for _ in range(6)), return_exceptions=True)
        assert len(opened) == 1
        assert sum(isinstance(each, TokenNotChargeableError) for each in outcomes) == 5
        assert (await till.vault.token(ACCOUNT, one.token_id, START)).state is TokenState.CONSUMED
        assert await _sealed(till, one.token_id) is None
        assert (await till.vault.token(ACCOUNT, two.token_id, START)).state is TokenState.ACTIVE

    play(story)


def test_an_unused_single_use_token_expires_and_the_sweep_shreds_it(play: Play) -> None:
    async def story(till: Till) -> None:
        multi, single = await till.token(), await till.token(usage=TokenUsage.SINGLE)
        assert await till.vault.sweep(START + timedelta(minutes=14)) == 0
        end = START + timedelta(minutes=15)
        assert (await till.vault.token(ACCOUNT, single.token_id, end)).state is TokenState.EXPIRED
        assert await _sealed(till, single.token_id) is not None
        assert await till.vault.sweep(end) == 1
        assert await till.vault.sweep(end) == 0
        assert await _sealed(till, single.token_id) is None
        assert (await till.vault.token(ACCOUNT, single.token_id, end)).state is TokenState.EXPIRED
        assert (await till.vault.token(ACCOUNT, multi.token_id, end)).state is TokenState.ACTIVE

    play(story)


def test_revoking_shreds_card_and_index_and_is_harmless_twice(play: Play) -> None:
    async def story(till: Till) -> None:
        view = await till.token()
        for _ in range(2):
            assert (await till.vault.revoke(ACCOUNT, view.token_id, START)).state is TokenState.REVOKED
        row = await till.database.read(lambda c: c.execute(select(TOKEN)).one())
        assert (row.sealed, row.card_index) == (None, None)
        with pytest.raises(TokenNotChargeableError):
            async with till.vault.open_card(ACCOUNT, view.token_id, CHARGE, START):
                pass
        again, existing = await till.vault.tokenise(ACCOUNT, number(), EXPIRY, TokenUsage.MULTI, START)
        assert not existing
        assert again.token_id != view.token_id

    play(story)


def test_an_opened_card_is_zeroed_when_the_block_ends_even_by_an_error(play: Play) -> None:
    async def story(till: Till) -> None:
        view = await till.token()
        held: list[OpenCard] = []
        async with till.vault.open_card(ACCOUNT, view.token_id, CHARGE, START) as card:
            with open_number(card.number) as digits:
                assert bytes(digits) == b"4242424242424242"

        async def fail_with_the_card_open() -> None:
            async with till.vault.open_card(ACCOUNT, view.token_id, CHARGE, START) as card:
                held.append(card)
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            await fail_with_the_card_open()
        with open_number(held[0].number) as digits:
            assert not any(digits)

    play(story)


def test_a_row_copied_to_another_token_does_not_open(play: Play) -> None:
    async def story(till: Till) -> None:
        victim, mine = await till.token(), await till.token(b"5555555555554444")
        stolen = await _sealed(till, victim.token_id)
        await till.database.transact(
            lambda c: c.execute(TOKEN.update().where(TOKEN.c.token_id == mine.token_id).values(sealed=stolen))
        )
        with pytest.raises(CardUnreadableError):
            async with till.vault.open_card(ACCOUNT, mine.token_id, CHARGE, START):
                pass

    play(story)


@pytest.mark.parametrize(
    ("digits", "expiry", "names"),
    [
        (b"4242424242424241", EXPIRY, "card_number"),
        (b"9999999999999995", EXPIRY, "card_number"),
        (b"4242424242424242", Expiry(1, 2027), "expiry"),
    ],
)
def test_a_bad_card_is_refused_without_being_repeated(
    play: Play, digits: bytes, expiry: Expiry, names: str
) -> None:
    async def story(till: Till) -> None:
        with pytest.raises(ValueError, match=f"^{names}: ") as refusal:
            await till.vault.tokenise(ACCOUNT, number(digits), expiry, TokenUsage.MULTI, START)
        assert digits.decode() not in str(refusal.value)

    play(story)


def test_an_unknown_token_is_not_found(play: Play) -> None:
    async def story(till: Till) -> None:
        nobody = TokenId("tok_" + "z" * 28)
        with pytest.raises(TokenNotFoundError):
            await till.vault.token(ACCOUNT, nobody, START)
        with pytest.raises(TokenNotFoundError):
            await till.vault.revoke(ACCOUNT, nobody, START)

    play(story)


def test_the_database_holds_no_digits_beyond_what_may_be_shown(play: Play, tmp_path: Path) -> None:
    async def story(till: Till) -> None:
        await till.token(b"4000056655665556")
        held = written(tmp_path)
        assert b"400005" in held
        assert not [start for start in range(10) if b"4000056655665556"[start : start + 7] in held]

    play(story)


async def _sealed(till: Till, token_id: TokenId) -> bytes | None:
    return await till.database.read(
        lambda c: c.execute(select(TOKEN.c.sealed).where(TOKEN.c.token_id == token_id)).scalar_one()
    )
