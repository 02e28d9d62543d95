"""A hold that did not match and could not be let go at once: the sweeper lets it go, however often it has to try, and across restarts."""

from pathlib import Path

import pytest
from tests.scenario.gateways.scene import Scene, play_scene
from tests.till import ACCOUNT, charge_id, money

from tonevault.boundary.charges import ChargeResult, ChargeState, CheckResult, Taking
from tonevault.cde.charging.completion import Completed, Sale
from tonevault.cde.charging.store import attempts_of
from tonevault.testing.gateways import Behaviour, Step

WRONG_POSTAL_CODE = b"4000000000000036"
LOST = 4


async def result(scene: Scene, sale: Sale) -> ChargeResult:
    return await scene.till.cashier.charge_result(ACCOUNT, sale.charge_id)


@pytest.mark.parametrize("taking", list(Taking))
def test_it_is_let_go_by_the_sweeper(tmp_path: Path, taking: Taking) -> None:
    async def story(scene: Scene) -> None:
        till = scene.till
        for _ in range(LOST):
            scene.double.script(Step.VOID, Behaviour(arrives=False))
        sale = Sale(charge_id(), money(), capture=taking)
        card = till.card(WRONG_POSTAL_CODE, postal_code="99999")
        done = await till.completion.vault_and_charge(ACCOUNT, card, sale=sale)
        assert isinstance(done, Completed)
        assert done.token is not None
        found = await result(scene, sale)
        assert (found.state, found.code) == (ChargeState.UNKNOWN, None)
        await till.reopen()
        await till.settle()
        found = await result(scene, sale)
        assert (found.state, found.code) == (ChargeState.DECLINED, "postal_code_mismatch")
        assert found.postal_code_check is CheckResult.FAILED
        assert found.token_id is None
        token = await till.vault.token(ACCOUNT, done.token.token_id, till.clock.utc())
        assert token.state.value == "revoked"
        (attempt,) = await till.database.read(lambda c: attempts_of(c, ACCOUNT, sale.charge_id))
        (entry,) = scene.double.ledger.by_reference("merchant", attempt.attempt_id)
        assert entry.state == "canceled"
        assert [each.step for each in scene.double.seen].count(Step.VOID) == LOST + 1

    play_scene("worldpay", tmp_path, story)
