"""The seeds of trouble, one by one: what the session comes to, what is kept, what is said, and what has moved."""

from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.capture_stage import CaptureStage, play
from tests.till import ACCOUNT

from tonevault.boundary.captures import CaptureState, EndReason, FieldName
from tonevault.boundary.tokens import TokenState
from tonevault.desk.payments.advice import advice_on

DECLINED, FAILED = CaptureState.DECLINED, CaptureState.FAILED


@dataclass(frozen=True)
class Trouble:
    """A card, and what its capture comes to. `settled`: after the look-ups, where the gateway fell silent first."""

    name: str
    card: str
    state: CaptureState
    reason: EndReason | None
    code: str | None
    is_final: bool | None
    keeps_token: bool = True
    falls_silent: bool = False
    moved: int = 0


TROUBLES = (
    Trouble("soft decline", "4000000000009995", DECLINED, EndReason.AUTHORISATION_DECLINED, "insufficient_funds", False),
    Trouble("hard decline", "4000000000009987", DECLINED, EndReason.AUTHORISATION_DECLINED, "lost_card", True),
    Trouble("suspected fraud", "4000000000004954", DECLINED, EndReason.AUTHORISATION_DECLINED, "fraud_suspected", True),
    Trouble("acquirer rejection", "4100000000000019", DECLINED, EndReason.AUTHORISATION_DECLINED, "acquirer_rejected", False),
    Trouble("wrong code", "4000000000000127", DECLINED, EndReason.AUTHORISATION_DECLINED, "incorrect_security_code", False),
    Trouble("refused request", "4000000000000119", FAILED, EndReason.AUTHORISATION_FAILED, "processing_error", None),
    Trouble("postal code mismatch", "4000000000000036", CaptureState.OPEN, None, "postal_code_mismatch", False, keeps_token=False),
    Trouble("time-out, made", "4000000000009003", CaptureState.SUCCEEDED, None, None, None, falls_silent=True, moved=1),
    Trouble("time-out, lagging", "4000000000009037", CaptureState.SUCCEEDED, None, None, None, falls_silent=True, moved=1),
    Trouble(
        "time-out, declined", "4000000000009011", DECLINED, EndReason.AUTHORISATION_DECLINED, "do_not_honour", False,
        falls_silent=True,
    ),
    Trouble(
        "time-out, never arrived", "4000000000009029", FAILED, EndReason.AUTHORISATION_FAILED, "never_arrived", None,
        falls_silent=True,
    ),
)  # fmt: skip


@pytest.mark.parametrize("trouble", TROUBLES, ids=lambda each: each.name)
def test_each_trouble_has_its_own_result(tmp_path: Path, trouble: Trouble) -> None:
    async def story(stage: CaptureStage) -> None:
        request = stage.request(stage.live_call(), fields=tuple(FieldName))
        view = await stage.zone.open_capture(request)
        await stage.capture_all(view, card_number=trouble.card, postal_code="99999")
        done = await stage.zone.complete(view.session_id)
        if trouble.falls_silent:
            assert (done.state, done.reason) == (CaptureState.UNKNOWN, EndReason.AUTHORISATION_UNKNOWN)
            # Asked again while it is unknown, nothing is sent again.
            assert (await stage.zone.complete(view.session_id)).state is CaptureState.UNKNOWN
            await stage.till.settle()
            await stage.service._archive.close()
            done = await stage.zone.capture(view.session_id)
        assert (done.state, done.reason) == (trouble.state, trouble.reason)
        assert done.charge is not None
        assert (done.charge.code, done.charge.is_final) == (trouble.code, trouble.is_final)
        assert (done.token is not None) is trouble.keeps_token
        if done.token is not None:
            assert done.token.state is TokenState.ACTIVE
        assert bool(advice_on(done.charge.code)) is (trouble.code is not None)
        assert len(await stage.till.simulator.movements(ACCOUNT)) == trouble.moved

    play(story, tmp_path)


def test_a_card_that_is_known_says_so(tmp_path: Path) -> None:
    async def story(stage: CaptureStage) -> None:
        tokens = []
        for existing in (False, True):
            view = await stage.zone.open_capture(stage.request(stage.live_call()))
            await stage.capture_all(view)
            done = await stage.zone.complete(view.session_id)
            assert done.existing is existing
            tokens.append(done.token and done.token.token_id)
        assert tokens[0] == tokens[1]

    play(story, tmp_path)
