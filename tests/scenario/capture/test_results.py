"""From captured fields to a token and a charge: successes, declines, silence, and a till that fails."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from tests.capture_stage import GOOD, CaptureStage, play
from tests.till import request as token_charge

from tonevault.boundary.captures import CaptureState, EndReason, FieldName
from tonevault.boundary.charges import ChargeState
from tonevault.boundary.notices import CallChanged, CaptureChanged, ChargeChanged
from tonevault.boundary.tokens import TokenState, TokenUsage
from tonevault.cde.charging.completion import Completed, NotTokenised
from tonevault.cde.gateway import Authorisation, GatewayAnswer

NUMBER = FieldName.CARD_NUMBER


def test_a_card_becomes_a_token_and_a_charge(tmp_path: Path) -> None:
    async def story(stage: CaptureStage) -> None:
        call = stage.live_call()
        request = stage.request(call)
        captured = await stage.capture_all(await stage.zone.open_capture(request))
        assert captured.can_complete
        done = await stage.zone.complete(request.session_id)
        assert (done.state, done.reason, done.existing) == (CaptureState.SUCCEEDED, None, False)
        assert done.token is not None
        assert (done.token.card.last4, done.token.card.exp_month) == ("4242", 12)
        assert done.charge is not None
        assert (done.charge.state, done.charge.charge_id) == (ChargeState.SUCCEEDED, request.charge_id)
        assert await stage.zone.complete(request.session_id) == done
        assert await stage.zone.capture(request.session_id) == done
        assert await stage.zone.open_capture(request) == done
        assert stage.timers.waiting <= 1  # The mask's tail.

    play(story, tmp_path)


def test_a_second_card_on_the_same_call_and_the_same_card_again(tmp_path: Path) -> None:
    async def story(stage: CaptureStage) -> None:
        call = stage.live_call()
        tokens = []
        for number in (GOOD[NUMBER], "5555555555554444", GOOD[NUMBER]):
            view = await stage.zone.open_capture(stage.request(call, amount=None))
            await stage.capture_all(view, card_number=number)
            done = await stage.zone.complete(view.session_id)
            assert done.state is CaptureState.SUCCEEDED
            assert done.charge is None
            assert done.token is not None
            tokens.append((done.token.token_id, done.existing))
        assert tokens[0][0] != tokens[1][0]
        assert tokens[2] == (tokens[0][0], True)

    play(story, tmp_path)


def test_declines_leave_a_token(tmp_path: Path) -> None:
    async def story(stage: CaptureStage) -> None:
        view = await stage.zone.open_capture(stage.request(stage.live_call()))
        await stage.capture_all(view, card_number="4000000000009995")
        done = await stage.zone.complete(view.session_id)
        assert (done.state, done.reason) == (CaptureState.DECLINED, EndReason.AUTHORISATION_DECLINED)
        assert done.token is not None
        assert done.token.state is TokenState.ACTIVE
        assert done.charge is not None
        assert done.charge.code == "insufficient_funds"

    play(story, tmp_path)


def test_an_address_mismatch_leaves_no_token(tmp_path: Path) -> None:
    async def story(stage: CaptureStage) -> None:
        request = stage.request(stage.live_call(), fields=tuple(FieldName))
        view = await stage.zone.open_capture(request)
        await stage.capture_all(view, card_number="4000000000000036", postal_code="99999")
        done = await stage.zone.complete(view.session_id)
        assert (done.state, done.token) == (CaptureState.OPEN, None)
        assert done.charge is not None
        assert done.charge.code == "postal_code_mismatch"

    play(story, tmp_path)


@pytest.mark.parametrize(
    ("number", "state", "reason"),
    [
        ("4000000000009003", CaptureState.SUCCEEDED, None),
        ("4000000000009011", CaptureState.DECLINED, EndReason.AUTHORISATION_DECLINED),
        ("4000000000009029", CaptureState.FAILED, EndReason.AUTHORISATION_FAILED),
    ],
)
def test_silence_is_unknown_until_a_look_up_settles_it(
    tmp_path: Path, number: str, state: CaptureState, reason: EndReason | None
) -> None:
    async def story(stage: CaptureStage) -> None:
        view = await stage.zone.open_capture(stage.request(stage.live_call()))
        await stage.capture_all(view, card_number=number)
        done = await stage.zone.complete(view.session_id)
        assert (done.state, done.reason) == (CaptureState.UNKNOWN, EndReason.AUTHORISATION_UNKNOWN)
        async with stage.zone.notices() as notices:
            await stage.till.settle()
            told = [await anext(notices) for _ in range(5)]
        assert [type(each) for each in told[:3]] == [CallChanged, CaptureChanged, ChargeChanged]
        assert isinstance(told[3], ChargeChanged)
        assert isinstance(told[4], CaptureChanged)
        assert told[4].capture.state is state
        settled = await stage.zone.capture(view.session_id)
        assert (settled.state, settled.reason) == (state, reason)
        assert settled.charge is not None
        assert settled.revision > done.revision

    play(story, tmp_path)


def test_a_look_up_that_is_quicker_than_the_end_of_the_session(tmp_path: Path) -> None:
    async def story(stage: CaptureStage) -> None:
        complete = stage.till.completion.vault_and_charge

        async def slow(*args: Any, **more: Any) -> Completed | NotTokenised:
            silent = await complete(*args, **more)
            await stage.till.settle()
            return silent

        stage.till.completion.vault_and_charge = slow  # type: ignore[method-assign]
        view = await stage.zone.open_capture(stage.request(stage.live_call()))
        await stage.capture_all(view, card_number="4000000000009003")
        async with stage.zone.notices() as notices:
            done = await stage.zone.complete(view.session_id)
            assert (done.state, done.reason) == (CaptureState.UNKNOWN, EndReason.AUTHORISATION_UNKNOWN)
            states = []
            while CaptureState.SUCCEEDED not in states:
                notice = await asyncio.wait_for(anext(notices), 10)
                if isinstance(notice, CaptureChanged):
                    states.append(notice.capture.state)
        assert states[-2:] == [CaptureState.UNKNOWN, CaptureState.SUCCEEDED]
        settled = await stage.zone.capture(view.session_id)
        assert (settled.state, settled.reason) == (CaptureState.SUCCEEDED, None)

    play(story, tmp_path)


def test_a_token_that_could_not_be_made(tmp_path: Path) -> None:
    async def story(stage: CaptureStage) -> None:
        async def broken(*args: object) -> object:
            raise OSError("the disk is gone")

        view = await stage.zone.open_capture(stage.request(stage.live_call()))
        await stage.capture_all(view)
        stage.till.vault.tokenise = broken  # type: ignore[assignment, method-assign]
        done = await stage.zone.complete(view.session_id)
        assert (done.state, done.reason) == (CaptureState.FAILED, EndReason.TOKENIZATION_FAILED)
        assert (done.token, done.charge) == (None, None)
        again = await stage.zone.open_capture(stage.request(view.call_id))
        assert again.state is CaptureState.OPEN

    play(story, tmp_path)


def test_a_fault_of_the_till_ends_the_session(tmp_path: Path) -> None:
    async def story(stage: CaptureStage) -> None:
        async def broken(*args: object, **more: object) -> object:
            raise OSError("the disk is gone")

        view = await stage.zone.open_capture(stage.request(stage.live_call()))
        await stage.capture_all(view)
        stage.till.completion.vault_and_charge = broken  # type: ignore[assignment, method-assign]
        done = await stage.zone.complete(view.session_id)
        assert (done.state, done.reason) == (CaptureState.FAILED, EndReason.TOKENIZATION_FAILED)

    play(story, tmp_path)


def test_a_charge_id_of_something_else_moves_no_money(tmp_path: Path) -> None:
    async def story(stage: CaptureStage) -> None:
        first = stage.request(stage.live_call())
        await stage.capture_all(await stage.zone.open_capture(first))
        await stage.zone.complete(first.session_id)
        second = stage.request(first.call_id, amount=9999).model_copy(update={"charge_id": first.charge_id})
        await stage.capture_all(await stage.zone.open_capture(second))
        done = await stage.zone.complete(second.session_id)
        assert (done.state, done.reason, done.charge) == (
            CaptureState.FAILED,
            EndReason.TOKENIZATION_FAILED,
            None,
        )

    play(story, tmp_path)


def test_asked_twice_to_complete_it_charges_once(tmp_path: Path) -> None:
    async def story(stage: CaptureStage) -> None:
        view = await stage.zone.open_capture(stage.request(stage.live_call()))
        await stage.capture_all(view)
        both = await asyncio.gather(*(stage.zone.complete(view.session_id) for _ in range(5)))
        assert {each.state for each in both} == {CaptureState.SUCCEEDED}
        assert len({each.charge.charge_id for each in both if each.charge}) == 1
        assert len(await stage.till.simulator.movements(view.account_id)) == 1

    play(story, tmp_path)


def test_a_single_use_token_is_used_up_by_its_charge(tmp_path: Path) -> None:
    async def story(stage: CaptureStage) -> None:
        request = stage.request(stage.live_call(), token_usage=TokenUsage.SINGLE)
        await stage.capture_all(await stage.zone.open_capture(request))
        done = await stage.zone.complete(request.session_id)
        assert done.token is not None
        assert done.token.state is TokenState.CONSUMED

    play(story, tmp_path)


def test_a_gateway_that_takes_long_is_answered_as_completing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(stage: CaptureStage) -> None:
        answered = asyncio.Event()
        vault_and_charge = stage.till.completion.vault_and_charge

        async def slow(*args: object, **more: object) -> object:
            await answered.wait()
            return await vault_and_charge(*args, **more)  # type: ignore[arg-type]

        monkeypatch.setattr("tonevault.cde.capture.service.COMPLETE_WAIT_S", 0.01)
        stage.till.completion.vault_and_charge = slow  # type: ignore[assignment, method-assign]
        view = await stage.zone.open_capture(stage.request(stage.live_call()))
        await stage.capture_all(view)
        assert (await stage.zone.complete(view.session_id)).state is CaptureState.COMPLETING
        async with stage.zone.notices() as notices:
            for _ in range(2):
                await anext(notices)
            answered.set()
            while not isinstance(told := await anext(notices), CaptureChanged):
                pass
        assert told.capture.state is CaptureState.SUCCEEDED
        assert len(await stage.till.simulator.movements(view.account_id)) == 1

    play(story, tmp_path)


def test_a_charge_that_takes_long_is_answered_as_it_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(stage: CaptureStage) -> None:
        answered = asyncio.Event()
        authorise = stage.till.simulator.authorise

        async def slow(request: Authorisation) -> GatewayAnswer:
            await answered.wait()
            return await authorise(request)

        monkeypatch.setattr("tonevault.cde.interface.zone.CHARGE_WAIT_S", 0.2)
        stage.till.simulator.authorise = slow  # type: ignore[method-assign]
        token = await stage.till.token()
        wanted = token_charge(token.token_id)
        assert (await stage.zone.charge(wanted)).state is ChargeState.PENDING
        answered.set()
        assert (await stage.zone.charge(wanted)).state is ChargeState.SUCCEEDED
        assert len(await stage.till.simulator.movements(token.account_id)) == 1

    play(story, tmp_path)
