"""What ends a capture: a token that could not be made is never taken for a decline, nor a decline for a lost token."""

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import Connection, select
from sqlalchemy.exc import OperationalError
from tests.till import ACCOUNT, START, Play, Till, charge_id, code, number, player

from tonevault.boundary.charges import ChargeState
from tonevault.boundary.tokens import TokenState, TokenUsage
from tonevault.cde.charging import store
from tonevault.cde.charging.charge import StoredCharge
from tonevault.cde.charging.completion import CapturedCard, Completed, NotTokenised
from tonevault.cde.charging.errors import IdempotencyMismatchError
from tonevault.cde.gateway import Authorisation, GatewayAnswer
from tonevault.cde.schema import ACCOUNT_KEY, TOKEN
from tonevault.cde.sealed.small_field import Expiry
from tonevault.cde.sealed.warrant import open_code, open_number

MISMATCH = b"4000000000000036"


@pytest.fixture
def play(tmp_path: Path) -> Play:
    return player(tmp_path)


async def complete(till: Till, card: CapturedCard, **more: object) -> Completed:
    done = await till.completion.vault_and_charge(ACCOUNT, card, **more)  # type: ignore[arg-type]
    assert isinstance(done, Completed)
    return done


def test_a_card_alone_is_vaulted_and_the_code_destroyed(play: Play) -> None:
    async def story(till: Till) -> None:
        card = till.card()
        done = await complete(till, card)
        assert done.token is not None
        assert (done.existing, done.charge) == (False, None)
        assert card.security_code is not None
        with open_code(card.security_code) as digits:
            assert not any(digits)
        with open_number(card.number) as digits:
            assert bytes(digits) == b"4242424242424242"
        assert (await complete(till, till.card())).existing

    play(story)


def test_a_sale_gives_token_and_charge(play: Play) -> None:
    async def story(till: Till) -> None:
        done = await complete(till, till.card(), sale=till.sale())
        assert done.token is not None
        assert done.charge is not None
        assert (done.token.state, done.charge.state) == (TokenState.ACTIVE, ChargeState.SUCCEEDED)
        assert done.charge.token_id == done.token.token_id

    play(story)


def test_a_decline_leaves_a_valid_token(play: Play) -> None:
    async def story(till: Till) -> None:
        done = await complete(till, till.card(b"4000000000000002"), sale=till.sale())
        assert done.token is not None
        assert done.charge is not None
        assert (done.token.state, done.charge.state) == (TokenState.ACTIVE, ChargeState.DECLINED)
        assert await till.simulator.movements(ACCOUNT) == ()

    play(story)


def test_an_address_mismatch_leaves_no_token_and_may_be_corrected(play: Play) -> None:
    async def story(till: Till) -> None:
        done = await complete(till, till.card(MISMATCH, postal_code="99999"), sale=till.sale())
        assert done.token is None
        assert done.charge is not None
        assert (done.charge.code, done.charge.token_id) == ("postal_code_mismatch", None)
        row = await till.database.read(lambda c: c.execute(select(TOKEN)).one())
        assert (row.state, row.sealed, row.card_index) == ("revoked", None, None)
        again = await complete(till, till.card(MISMATCH, postal_code="10001"), sale=till.sale())
        assert again.token is not None
        assert again.charge is not None
        assert (again.existing, again.charge.state) == (False, ChargeState.SUCCEEDED)

    play(story)


def test_an_address_mismatch_spares_a_token_that_was_there_before(play: Play) -> None:
    async def story(till: Till) -> None:
        kept = await till.token(MISMATCH)
        done = await complete(till, till.card(MISMATCH, postal_code="99999"), sale=till.sale())
        assert done.token is not None
        assert (done.token.token_id, done.token.state) == (kept.token_id, TokenState.ACTIVE)

    play(story)


def test_an_address_mismatch_spares_a_token_that_was_given_out_meanwhile(play: Play) -> None:
    """Two agents take the same card; the first one's payment is declined after the second one was given the token."""

    async def story(till: Till) -> None:
        arrived, answers, authorise = asyncio.Event(), asyncio.Event(), till.simulator.authorise

        async def slow(request: Authorisation) -> GatewayAnswer:
            arrived.set()
            await answers.wait()
            return await authorise(request)

        till.simulator.authorise = slow  # type: ignore[method-assign]
        card = till.card(MISMATCH, postal_code="99999")
        first = asyncio.create_task(complete(till, card, sale=till.sale()))
        await arrived.wait()
        second = await complete(till, till.card(MISMATCH))
        assert second.token is not None
        assert (second.token.state, second.existing) == (TokenState.ACTIVE, True)
        answers.set()
        done = await first
        assert (done.token, done.charge is not None and done.charge.token_id) == (None, None)
        kept = await till.vault.token(ACCOUNT, second.token.token_id, till.clock.utc())
        assert kept.state is TokenState.ACTIVE

    play(story)


def test_a_single_use_token_is_consumed_by_the_sale(play: Play) -> None:
    async def story(till: Till) -> None:
        done = await complete(till, till.card(), usage=TokenUsage.SINGLE, sale=till.sale())
        assert done.token is not None
        assert done.token.state is TokenState.CONSUMED

    play(story)


def test_silence_leaves_token_and_unknown_charge(play: Play) -> None:
    async def story(till: Till) -> None:
        done = await complete(till, till.card(b"4000000000009003"), sale=till.sale())
        assert done.token is not None
        assert done.charge is not None
        assert (done.token.state, done.charge.state) == (TokenState.ACTIVE, ChargeState.UNKNOWN)

    play(story)


@pytest.mark.parametrize("usage", TokenUsage)
def test_completing_again_under_one_charge_id_changes_nothing(play: Play, usage: TokenUsage) -> None:
    async def story(till: Till) -> None:
        sale = till.sale()
        one = await complete(till, till.card(), usage=usage, sale=sale)
        await till.reopen()
        assert await complete(till, till.card(), usage=usage, sale=sale) == one
        assert len(await till.simulator.movements(ACCOUNT)) == 1
        with pytest.raises(IdempotencyMismatchError):
            await till.completion.vault_and_charge(ACCOUNT, till.card(), sale=till.sale(1, sale.charge_id))

    play(story)


@pytest.mark.parametrize("what", ["keys", "expiry", "number"])
def test_a_token_that_cannot_be_made_is_no_decline(play: Play, what: str) -> None:
    async def story(till: Till) -> None:
        card = till.card()
        if what == "keys":
            await till.token(b"5555555555554444")
            await till.database.transact(lambda c: c.execute(ACCOUNT_KEY.update().values(wrapped=b"x" * 60)))
            await till.reopen()
        elif what == "expiry":
            card = CapturedCard(number(), Expiry(1, 2020), code())
        else:
            card = CapturedCard(number(b"4242424242424241"), Expiry(1, 2030), code())
        sale = till.sale()
        assert await till.completion.vault_and_charge(ACCOUNT, card, sale=sale) == NotTokenised()
        assert card.security_code is not None
        with open_code(card.security_code) as digits:
            assert not any(digits)
        assert await till.cashier.find(ACCOUNT, sale.charge_id) is None
        assert await till.simulator.movements(ACCOUNT) == ()

    play(story)


def test_a_charge_that_cannot_be_begun_leaves_the_token_and_says_it_was_not_sent(
    play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(till: Till) -> None:
        def fail(connection: Connection, charge: StoredCharge) -> bool:
            raise OperationalError("", None, Exception("disk full"))

        monkeypatch.setattr(store, "insert_charge", fail)
        done = await complete(till, till.card(), sale=till.sale(under=charge_id()))
        assert done.token is not None
        assert done.charge is not None
        assert (done.charge.state, done.charge.code) == (ChargeState.FAILED, "not_sent")
        assert (await till.vault.token(ACCOUNT, done.token.token_id, START)).state is TokenState.ACTIVE

    play(story)
