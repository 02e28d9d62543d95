"""Tokens that are replaced, renewed by their issuer, or not used: told, in the audit log, and their cards shredded."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select
from tests.till import ACCOUNT, START, Play, Till, player, request

from tonevault.boundary.charges import ChargeState
from tonevault.boundary.tokens import TokenState
from tonevault.cde.charging.completion import Completed
from tonevault.cde.gateway import Hint, HintAbout
from tonevault.cde.schema import TOKEN
from tonevault.cde.sealed.small_field import Expiry
from tonevault.kernel.ids import TokenId

OTHER = b"5555555555554444"


@pytest.fixture
def play(tmp_path: Path) -> Play:
    return player(tmp_path)


async def state(till: Till, token: TokenId) -> TokenState:
    return (await till.vault.token(ACCOUNT, token, till.clock.utc())).state


async def is_shredded(till: Till, token: TokenId) -> bool:
    wanted = select(TOKEN.c.sealed, TOKEN.c.card_index).where(TOKEN.c.token_id == token)
    row = await till.database.read(lambda c: c.execute(wanted).one())
    return row.sealed is None and row.card_index is None


def test_a_new_card_takes_the_place_of_the_old_one(play: Play) -> None:
    async def story(till: Till) -> None:
        old = await till.token()
        done = await till.completion.vault_and_charge(ACCOUNT, till.card(OTHER), replaces=old.token_id)
        assert isinstance(done, Completed)
        assert done.token is not None
        after = await till.vault.token(ACCOUNT, old.token_id, START)
        assert (after.state, after.replaced_by) == (TokenState.REPLACED, done.token.token_id)
        assert await is_shredded(till, old.token_id)
        refused = await till.cashier.charge(request(old.token_id))
        assert (refused.state, refused.code) == (ChargeState.FAILED, "token_not_chargeable")
        assert (await till.cashier.charge(request(done.token.token_id))).state is ChargeState.SUCCEEDED

    play(story)


def test_the_same_card_again_replaces_nothing(play: Play) -> None:
    async def story(till: Till) -> None:
        old = await till.token()
        await till.completion.vault_and_charge(ACCOUNT, till.card(), replaces=old.token_id)
        assert await state(till, old.token_id) is TokenState.ACTIVE

    play(story)


def test_a_card_that_is_not_kept_replaces_nothing(play: Play) -> None:
    async def story(till: Till) -> None:
        old = await till.token()
        card = till.card(b"4000000000000036", postal_code="99999")
        done = await till.completion.vault_and_charge(ACCOUNT, card, sale=till.sale(), replaces=old.token_id)
        assert isinstance(done, Completed)
        assert done.token is None
        assert await state(till, old.token_id) is TokenState.ACTIVE

    play(story)


def test_the_issuer_renews_a_card(play: Play) -> None:
    async def story(till: Till) -> None:
        token = await till.token()
        charge = await till.cashier.charge(request(token.token_id))
        hint = Hint(
            "evt_one",
            HintAbout.CARD_UPDATED,
            gateway_reference=charge.gateway_reference,
            exp_month=5,
            exp_year=2034,
            last4="4242",
        )
        await till.cashier.hints.heard(ACCOUNT, "simulator", hint, START)
        card = (await till.vault.token(ACCOUNT, token.token_id, START)).card
        assert (card.exp_month, card.exp_year) == (5, 2034)
        older = replace(hint, event_id="evt_two", exp_year=2031)
        await till.cashier.hints.heard(ACCOUNT, "simulator", older, START)
        assert (await till.vault.token(ACCOUNT, token.token_id, START)).card.exp_year == 2034
        other_number = replace(hint, event_id="evt_three", last4="0005")
        await till.cashier.hints.heard(ACCOUNT, "simulator", other_number, START)
        assert await state(till, token.token_id) is TokenState.REPLACED
        assert await is_shredded(till, token.token_id)

    play(story)


def test_an_earlier_expiry_or_one_that_is_none_changes_nothing(play: Play) -> None:
    async def story(till: Till) -> None:
        token = await till.token()
        assert (
            await till.cashier.tokens.update_expiry(ACCOUNT, token.token_id, Expiry(1, 2029), START) is None
        )
        assert await till.cashier.tokens.replace(ACCOUNT, TokenId("tok_" + "z" * 28), None, START) is None

    play(story)


def test_a_card_that_was_taken_again_is_in_use(play: Play) -> None:
    async def story(till: Till) -> None:
        token = await till.token()
        till.clock.advance(100 * 86_400)
        again = await till.token()
        now = till.clock.utc()
        assert again.token_id == token.token_id
        assert await till.cashier.tokens.expire_unused(ACCOUNT, now - timedelta(days=90), now) == 0

    play(story)


def test_what_nobody_uses_is_ended_and_shredded(play: Play) -> None:
    async def story(till: Till) -> None:
        used, idle = await till.token(), await till.token(OTHER)
        till.clock.advance(100 * 86_400)
        await till.cashier.charge(request(used.token_id))
        now = till.clock.utc()
        assert await till.cashier.tokens.expire_unused(ACCOUNT, now - timedelta(days=90), now) == 1
        assert await till.cashier.tokens.expire_unused(ACCOUNT, now - timedelta(days=90), now) == 0
        assert (await state(till, used.token_id), await state(till, idle.token_id)) == (
            TokenState.ACTIVE,
            TokenState.EXPIRED,
        )
        assert await is_shredded(till, idle.token_id)

    play(story)
