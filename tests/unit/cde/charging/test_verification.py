"""A charge of nothing checks the card: an attempt like any other, that moves no money."""

from pathlib import Path

import pytest
from tests.till import ACCOUNT, Play, Till, player

from tonevault.boundary.charges import ChargeKind, ChargeState
from tonevault.cde.charging.completion import Completed
from tonevault.cde.gateways.simulator.outcomes import TIMEOUT_APPROVED


@pytest.fixture
def play(tmp_path: Path) -> Play:
    return player(tmp_path)


@pytest.mark.parametrize(
    ("digits", "state"),
    [
        (b"4242424242424242", ChargeState.SUCCEEDED),
        (b"4000000000009995", ChargeState.SUCCEEDED),
        (b"4000000000009987", ChargeState.DECLINED),
    ],
)
def test_a_card_is_verified_and_no_money_moves(play: Play, digits: bytes, state: ChargeState) -> None:
    async def story(till: Till) -> None:
        done = await till.completion.vault_and_charge(ACCOUNT, till.card(digits), sale=till.sale(0))
        assert isinstance(done, Completed)
        assert done.charge is not None
        assert (done.charge.kind, done.charge.state) == (ChargeKind.VERIFICATION, state)
        assert done.charge.amount_captured == 0
        assert done.token is not None
        assert await till.simulator.movements(ACCOUNT) == ()

    play(story)


def test_a_silent_verification_is_settled_by_look_up(play: Play) -> None:
    async def story(till: Till) -> None:
        sale = till.sale(0)
        till.simulator.play_next(TIMEOUT_APPROVED)
        done = await till.completion.vault_and_charge(ACCOUNT, till.card(), sale=sale)
        assert isinstance(done, Completed)
        assert done.charge is not None
        assert done.charge.state is ChargeState.UNKNOWN
        await till.settle()
        assert (await till.cashier.charge_result(ACCOUNT, sale.charge_id)).state is ChargeState.SUCCEEDED

    play(story)
