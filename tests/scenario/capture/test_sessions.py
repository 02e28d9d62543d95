"""One session a call at a time: what is refused, and every way in which a session ends before its card is charged."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest
from tests.capture_stage import GOOD, CaptureStage, play, refused

from tonevault.boundary.captures import CaptureState, EndReason, FieldError, FieldName, FieldState
from tonevault.kernel.ids import CallId

NUMBER = FieldName.CARD_NUMBER


def test_one_session_a_call_at_a_time(tmp_path: Path) -> None:
    async def story(stage: CaptureStage) -> None:
        call, other = stage.live_call(), stage.live_call()
        first = await stage.zone.open_capture(stage.request(call))
        assert await refused(stage.zone.open_capture(stage.request(call))) == "session_in_progress"
        await stage.zone.open_capture(stage.request(other))
        await stage.zone.cancel(first.session_id)
        await stage.zone.open_capture(stage.request(call))

    play(story, tmp_path)


def test_what_is_refused(tmp_path: Path) -> None:
    async def story(stage: CaptureStage) -> None:
        zone, ringing, call = stage.zone, stage.ring(), stage.live_call()
        good = stage.request(call)
        for request, code in (
            (stage.request(ringing), "call_not_live"),
            (stage.request(call, account_id="other"), "call_not_live"),
            (stage.request(CallId("call_" + "z" * 28)), "call_not_live"),
            (stage.request(call, fields=("card_number",)), "fields_insufficient"),
            (stage.request(call, fields=("card_number", "expiry", "expiry")), "fields_repeated"),
            (stage.request(call, charge_id=None), "charge_id_missing"),
            (stage.request(call, expires_at=stage.clock.utc()), "expires_at_past"),
            (stage.request(call, expires_at=good.expires_at.replace(tzinfo=None)), "expires_at_without_zone"),
        ):
            assert await refused(zone.open_capture(request)) == code
        await zone.open_capture(good)
        session = good.session_id
        assert (
            await refused(zone.open_capture(good.model_copy(update={"max_attempts": 9})))
            == "session_id_reused"
        )
        assert await refused(zone.start_field(session, FieldName.POSTAL_CODE)) == "field_unknown"
        assert await refused(zone.complete(session)) == "fields_missing"
        await zone.cancel(session)
        assert (await zone.cancel(session)).state is CaptureState.CANCELED
        assert await refused(zone.start_field(session, NUMBER)) == "session_over"
        assert await refused(zone.complete(session)) == "session_over"
        assert (
            await refused(zone.open_capture(stage.request(ringing, session_id=session)))
            == "session_id_reused"
        )
        unknown = stage.request(call).session_id
        for asking in (
            zone.capture(unknown),
            zone.cancel(unknown),
            zone.complete(unknown),
            zone.start_field(unknown, NUMBER),
        ):
            assert await refused(asking) == "not_found"
        assert await refused(zone.set_hush(CallId("call_" + "z" * 28), on=True)) == "not_found"

    play(story, tmp_path)


@pytest.mark.parametrize("keys", range(0, 24, 1))
def test_hang_up_after_every_key(tmp_path: Path, keys: int) -> None:
    async def story(stage: CaptureStage) -> None:
        call = stage.live_call()
        view = await stage.zone.open_capture(stage.request(call))
        left = keys
        for name, good in GOOD.items():
            if left <= 0:
                break
            await stage.zone.start_field(view.session_id, name)
            stage.key(call, (good + "#")[:left])
            left -= len(good) + 1
        stage.hang_up(call)
        ended = await stage.zone.capture(view.session_id)
        assert (ended.state, ended.reason) == (CaptureState.CANCELED, EndReason.CALL_ENDED)
        assert {field.state for field in ended.fields} == {FieldState.IDLE}
        assert (stage.switch.masks, stage.timers.waiting) == ({}, 0)
        assert await stage.zone.calls() == []
        assert await refused(stage.zone.start_field(view.session_id, NUMBER)) == "session_over"

    play(story, tmp_path)


def test_hang_up_while_the_card_is_with_the_gateway(tmp_path: Path) -> None:
    async def story(stage: CaptureStage) -> None:
        call = stage.live_call()
        view = await stage.zone.open_capture(stage.request(call))
        await stage.capture_all(view)
        completing = asyncio.create_task(stage.zone.complete(view.session_id))
        await asyncio.sleep(0)
        assert (await stage.zone.capture(view.session_id)).state is CaptureState.COMPLETING
        assert await refused(stage.zone.open_capture(stage.request(call))) == "session_in_progress"
        stage.hang_up(call)
        assert (await stage.zone.cancel(view.session_id)).state is CaptureState.COMPLETING
        assert (await completing).state is CaptureState.SUCCEEDED

    play(story, tmp_path)


def test_time_outs_and_expiry_by_the_service_s_own_timers(tmp_path: Path) -> None:
    async def story(stage: CaptureStage) -> None:
        call = stage.live_call()
        view = await stage.zone.open_capture(stage.request(call))
        await stage.zone.start_field(view.session_id, NUMBER)
        stage.advance(30.1)
        red = (await stage.zone.capture(view.session_id)).fields[0]
        assert (red.state, red.error) == (FieldState.FAILED, FieldError.INPUT_TIMEOUT)
        await stage.zone.start_field(view.session_id, NUMBER)
        stage.key(call, "4242")
        stage.advance(10.1)
        assert (await stage.zone.capture(view.session_id)).fields[0].attempts == 2
        stage.advance(1800)
        ended = await stage.zone.capture(view.session_id)
        assert (ended.state, ended.reason) == (CaptureState.EXPIRED, EndReason.SESSION_EXPIRED)
        assert (stage.switch.masks, stage.timers.waiting) == ({}, 0)

    play(story, tmp_path)


def test_a_session_that_cannot_be_written_down_is_not_open(tmp_path: Path) -> None:
    async def story(stage: CaptureStage) -> None:
        call = stage.live_call()
        save = stage.service._store.save

        async def broken(*args: object) -> None:
            raise OSError("the disk is gone")

        stage.service._store.save = broken  # type: ignore[assignment, method-assign]
        request = stage.request(call)
        with pytest.raises(OSError, match="disk"):
            await stage.zone.open_capture(request)
        stage.service._store.save = save  # type: ignore[method-assign]
        assert (await stage.zone.open_capture(stage.request(call))).state is CaptureState.OPEN

    play(story, tmp_path)


def test_what_a_carrier_signals_and_the_boundary_refuses_is_left_out(tmp_path: Path) -> None:
    async def story(stage: CaptureStage) -> None:
        stage.live_call(
            caller="4242424242424242", called="anonymous", customer_ref="card 4242 4242 4242 4242"
        )
        call = (await stage.zone.calls())[0]
        assert (call.caller, call.called, call.customer_header) == (None, None, None)

    play(story, tmp_path)


def test_old_ends_are_not_told_again(tmp_path: Path) -> None:
    async def story(stage: CaptureStage) -> None:
        view = await stage.zone.open_capture(stage.request(stage.live_call()))
        stage.hang_up(view.call_id)
        assert len(stage.service.captures()) == 1
        stage.clock.advance(timedelta(minutes=16).total_seconds())
        assert stage.service.captures() == []
        assert (await stage.zone.capture(view.session_id)).state is CaptureState.CANCELED

    play(story, tmp_path)
