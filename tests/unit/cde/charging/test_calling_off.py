"""A session that ends while its payment is unknown: looked at first, called off only where it was not made."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from tests.till import ACCOUNT, START, Play, Till, player

from tonevault.boundary.charges import ChargeState
from tonevault.cde.gateways.simulator.outcomes import TIMEOUT_APPROVED, TIMEOUT_LOST, TIMEOUT_SILENT, Outcome
from tonevault.kernel.ids import ChargeId

SOON = timedelta(seconds=12)


@pytest.fixture
def play(tmp_path: Path) -> Play:
    return player(tmp_path)


async def fall_silent(till: Till, outcome: Outcome) -> ChargeId:
    sale = replace(till.sale(), call_off_at=START + SOON)
    till.simulator.play_next(outcome)
    await till.completion.vault_and_charge(ACCOUNT, till.card(), sale=sale)
    assert (await till.cashier.charge_result(ACCOUNT, sale.charge_id)).state is ChargeState.UNKNOWN
    return sale.charge_id


@pytest.mark.parametrize("restarts", [False, True])
@pytest.mark.parametrize(
    ("outcome", "comes_to", "moved"),
    [
        (TIMEOUT_APPROVED, (ChargeState.SUCCEEDED, None), 1),
        (TIMEOUT_LOST, (ChargeState.CANCELED, "session_expired"), 0),
        (TIMEOUT_SILENT, (ChargeState.SUCCEEDED, None), 1),
    ],
    ids=["approved", "lost", "silent"],
)
def test_what_has_succeeded_is_paid_and_the_rest_is_called_off(
    play: Play, outcome: Outcome, comes_to: tuple[ChargeState, str | None], moved: int, restarts: bool
) -> None:
    async def story(till: Till) -> None:
        charge = await fall_silent(till, outcome)
        if restarts:
            await till.reopen()
            await till.cashier.recover()
        await till.settle()
        result = await till.cashier.charge_result(ACCOUNT, charge)
        assert (result.state, result.code) == comes_to
        assert len(await till.simulator.movements(ACCOUNT)) == moved

    play(story)


def test_a_request_that_arrives_after_it_was_called_off_moves_nothing(play: Play) -> None:
    async def story(till: Till) -> None:
        charge = await fall_silent(till, TIMEOUT_LOST)
        await till.settle(20)
        result = await till.cashier.charge_result(ACCOUNT, charge)
        assert result.state is ChargeState.CANCELED
        # Sooner than the visibility lag, for the gateway itself has been told.
        assert result.updated_at < START + timedelta(seconds=till.simulator.traits.visibility_lag_s)

    play(story)
