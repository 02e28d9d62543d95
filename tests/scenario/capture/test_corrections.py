"""An address that does not match: said which part, corrected and run again while the capture lasts; no token of the first run stays."""

from contextlib import suppress
from pathlib import Path

import pytest
from sqlalchemy import select
from tests.capture_stage import CaptureStage, play, refused
from tests.till import ACCOUNT

from tonevault.boundary.captures import (
    Billing,
    BillingPart,
    CaptureRequest,
    CaptureRetry,
    CaptureState,
    CaptureView,
    EndReason,
    FieldError,
    FieldName,
    FieldState,
)
from tonevault.boundary.charges import ChargeState, CheckResult
from tonevault.cde.schema import TOKEN
from tonevault.cde.sealed.warrant import open_number
from tonevault.kernel.ids import CHARGE, ChargeId, make_id
from tonevault.plumbing.entropy import SYSTEM_ENTROPY

WRONG_POSTAL, WRONG_ADDRESS, WRONG_BOTH = "4000000000000036", "4000000000000028", "4000000000000010"


def again(**more: object) -> CaptureRetry:
    return CaptureRetry.model_validate(
        {"charge_id": ChargeId(make_id(CHARGE, 0, SYSTEM_ENTROPY)), "without_security_code": True} | more
    )


async def mismatch(stage: CaptureStage, number: str, request: CaptureRequest) -> CaptureView:
    view = await stage.zone.open_capture(request)
    await stage.capture_all(view, card_number=number, postal_code="99999")
    return await stage.zone.complete(view.session_id)


def with_postal_code(stage: CaptureStage) -> CaptureRequest:
    return stage.request(stage.live_call(), fields=tuple(FieldName))


def fields_of(view: CaptureView) -> dict[FieldName, FieldState]:
    return {each.name: each.state for each in view.fields}


async def tokens(stage: CaptureStage) -> list[str]:
    rows = await stage.till.database.read(lambda c: c.execute(select(TOKEN.c.state)).all())
    return [row.state for row in rows]


def test_the_part_is_named_and_the_card_stays_in_hand(tmp_path: Path) -> None:
    async def story(stage: CaptureStage) -> None:
        view = await mismatch(stage, WRONG_POSTAL, with_postal_code(stage))
        assert (view.state, view.mismatch) == (CaptureState.OPEN, (BillingPart.POSTAL_CODE,))
        assert view.charge is not None
        assert (view.charge.state, view.charge.code) == (ChargeState.DECLINED, "postal_code_mismatch")
        assert view.charge.postal_code_check is CheckResult.FAILED
        assert (view.token, view.can_complete) == (None, False)
        assert fields_of(view) == {
            FieldName.CARD_NUMBER: FieldState.CAPTURED,
            FieldName.EXPIRY: FieldState.CAPTURED,
            FieldName.SECURITY_CODE: FieldState.IDLE,
            FieldName.POSTAL_CODE: FieldState.FAILED,
        }
        assert view.fields[-1].error is FieldError.POSTAL_CODE_MISMATCH
        assert await tokens(stage) == ["revoked"]

    play(story, tmp_path)


@pytest.mark.parametrize("how", ["typed", "keyed"])
def test_a_better_postal_code_is_charged_once(tmp_path: Path, how: str) -> None:
    async def story(stage: CaptureStage) -> None:
        view = await mismatch(stage, WRONG_POSTAL, with_postal_code(stage))
        retry = again(billing=Billing(postal_code="10001") if how == "typed" else Billing())
        if how == "keyed":
            await stage.zone.start_field(view.session_id, FieldName.POSTAL_CODE)
            stage.key(view.call_id, "10001#")
        first = await stage.zone.retry(view.session_id, retry)
        assert (first.state, first.mismatch) == (CaptureState.SUCCEEDED, ())
        assert first.charge is not None
        assert (first.charge.charge_id, first.charge.state) == (retry.charge_id, ChargeState.SUCCEEDED)
        assert first.charge.security_code_check is CheckResult.NOT_GIVEN
        assert first.token is not None
        assert await stage.zone.retry(view.session_id, retry) == first
        assert len(await stage.till.simulator.movements(ACCOUNT)) == 1
        assert sorted(await tokens(stage)) == ["active", "revoked"]

    play(story, tmp_path)


def test_an_address_that_the_agent_typed_is_checked_and_corrected(tmp_path: Path) -> None:
    async def story(stage: CaptureStage) -> None:
        request = stage.request(
            stage.live_call(), billing={"postal_code": "99999", "address_line": "2 Wrong Road"}
        )
        view = await mismatch(stage, WRONG_BOTH, request)
        assert view.mismatch == (BillingPart.POSTAL_CODE, BillingPart.ADDRESS)
        half = await stage.zone.retry(view.session_id, again(billing={"postal_code": "10001"}))
        assert (half.state, half.mismatch) == (CaptureState.OPEN, (BillingPart.ADDRESS,))
        whole = await stage.zone.retry(view.session_id, again(billing={"address_line": "1 Main Street"}))
        assert whole.state is CaptureState.SUCCEEDED

    play(story, tmp_path)


def test_the_code_is_taken_again_or_left_out_by_word_alone(tmp_path: Path) -> None:
    async def story(stage: CaptureStage) -> None:
        view = await mismatch(stage, WRONG_POSTAL, with_postal_code(stage))
        billing = Billing(postal_code="10001")
        asked = again(billing=billing, without_security_code=False)
        assert await refused(stage.zone.retry(view.session_id, asked)) == "fields_missing"
        await stage.zone.start_field(view.session_id, FieldName.SECURITY_CODE)
        stage.key(view.call_id, "321#")
        done = await stage.zone.retry(view.session_id, asked)
        assert done.charge is not None
        assert done.charge.security_code_check is CheckResult.PASSED

    play(story, tmp_path)


def test_what_cannot_be_run_again_is_refused(tmp_path: Path) -> None:
    async def story(stage: CaptureStage) -> None:
        billing = Billing(postal_code="10001")
        fresh = await stage.zone.open_capture(stage.request(stage.live_call()))
        assert (
            await refused(stage.zone.retry(fresh.session_id, again(billing=billing))) == "nothing_to_correct"
        )
        await stage.capture_all(fresh)
        await stage.zone.complete(fresh.session_id)
        assert await refused(stage.zone.retry(fresh.session_id, again(billing=billing))) == "session_over"
        view = await mismatch(stage, WRONG_POSTAL, with_postal_code(stage))
        assert await refused(stage.zone.retry(view.session_id, again())) == "fields_missing"
        assert await refused(stage.zone.complete(view.session_id)) == "correction_needed"

    play(story, tmp_path)


def test_only_so_many_runs(tmp_path: Path) -> None:
    async def story(stage: CaptureStage) -> None:
        view = await mismatch(stage, WRONG_POSTAL, with_postal_code(stage))
        for _ in range(2):
            view = await stage.zone.retry(view.session_id, again(billing={"postal_code": "99998"}))
        assert (view.state, view.reason) == (CaptureState.DECLINED, EndReason.AUTHORISATION_DECLINED)
        assert len(await tokens(stage)) == 3

    play(story, tmp_path)


@pytest.mark.parametrize("end", ["cancel", "hang up", "expire", "close"])
def test_whatever_ends_the_session_destroys_the_card(
    tmp_path: Path, end: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(stage: CaptureStage) -> None:
        view = await mismatch(stage, WRONG_POSTAL, with_postal_code(stage))
        number = stage.service._sessions.all()[0].session._draft._number
        assert number is not None
        match end:
            case "cancel":
                await stage.zone.cancel(view.session_id)
            case "hang up":
                stage.hang_up(view.call_id)
            case "expire":
                stage.advance(1801)
            case _:
                await stage.service.close()
        with open_number(number) as digits:
            assert not any(digits)
        over = await stage.zone.capture(view.session_id)
        assert over.state is not CaptureState.OPEN
        assert over.charge is not None
        assert over.charge.state is ChargeState.DECLINED

    play(story, tmp_path)


def test_a_caller_who_is_gone_ends_it_as_a_decline(tmp_path: Path) -> None:
    async def story(stage: CaptureStage) -> None:
        view = await stage.zone.open_capture(with_postal_code(stage))
        await stage.capture_all(view, card_number=WRONG_POSTAL, postal_code="99999")
        authorise = stage.till.simulator.authorise

        async def hang_up_first(request: object) -> object:
            stage.hang_up(view.call_id)
            return await authorise(request)  # type: ignore[arg-type]

        stage.till.simulator.authorise = hang_up_first  # type: ignore[method-assign,assignment]
        done = await stage.zone.complete(view.session_id)
        assert (done.state, done.mismatch) == (CaptureState.DECLINED, ())

    play(story, tmp_path)


def test_a_crash_in_the_second_run_is_concluded_by_the_second_charge(tmp_path: Path) -> None:
    async def story(stage: CaptureStage) -> None:
        view = await mismatch(stage, WRONG_POSTAL, with_postal_code(stage))
        retry = again(billing={"postal_code": "10001"})
        finish = stage.service._finisher.finish

        class Dead(BaseException):
            pass

        async def die_after(*args: object) -> object:
            await finish(*args)  # type: ignore[arg-type]
            raise Dead

        stage.service._finisher.finish = die_after  # type: ignore[method-assign,assignment]
        with suppress(Dead):
            await stage.service.retry(view.session_id, retry)
        await stage.crash()
        over = await stage.zone.capture(view.session_id)
        assert over.state is CaptureState.SUCCEEDED
        assert over.charge is not None
        assert over.charge.charge_id == retry.charge_id

    play(story, tmp_path)
