"""A process that dies in mid-capture leaves nothing open, and no charge unaccounted for."""

from pathlib import Path

import pytest
from tests.capture_stage import CaptureStage, play, refused

from tonevault.boundary.captures import CaptureState, EndReason, FieldName
from tonevault.boundary.notices import CaptureChanged

NUMBER = FieldName.CARD_NUMBER


class TestCrash:
    @pytest.mark.parametrize("with_amount", [True, False])
    def test_an_open_capture_reads_interrupted(self, tmp_path: Path, with_amount: bool) -> None:
        async def story(stage: CaptureStage) -> None:
            view = await stage.zone.open_capture(
                stage.request(stage.live_call(), amount=1250 if with_amount else None)
            )
            await stage.capture_all(view)
            await stage.crash()
            ended = await stage.zone.capture(view.session_id)
            assert (ended.state, ended.reason) == (CaptureState.FAILED, EndReason.INTERRUPTED)
            assert ended.revision > view.revision
            async with stage.zone.notices() as notices:
                told = await anext(notices)
            assert isinstance(told, CaptureChanged)
            assert told.capture == ended
            assert await refused(stage.zone.complete(view.session_id)) == "session_over"
            again = await stage.zone.open_capture(stage.request(stage.live_call()))
            assert again.state is CaptureState.OPEN
            await stage.crash()
            assert (await stage.zone.capture(view.session_id)) == ended

        play(story, tmp_path)

    def test_a_charge_that_was_begun_is_what_the_session_came_to(self, tmp_path: Path) -> None:
        async def story(stage: CaptureStage) -> None:
            view = await stage.zone.open_capture(stage.request(stage.live_call()))
            await stage.capture_all(view)
            done = await stage.zone.complete(view.session_id)
            # The process dies between the cashier's answer and the writing of the session's end.
            await stage.till.database.transact(
                lambda c: c.exec_driver_sql(
                    "UPDATE capture_session SET state = 'open', revision = 1, view = ?",
                    (view.model_dump_json(),),
                )
            )
            await stage.crash()
            ended = await stage.zone.capture(view.session_id)
            assert (ended.state, ended.token, ended.charge) == (done.state, done.token, done.charge)
            assert (await stage.zone.complete(view.session_id)).state is CaptureState.SUCCEEDED

        play(story, tmp_path)

    def test_an_unknown_charge_is_settled_after_a_crash(self, tmp_path: Path) -> None:
        async def story(stage: CaptureStage) -> None:
            view = await stage.zone.open_capture(stage.request(stage.live_call()))
            await stage.capture_all(view, card_number="4000000000009003")
            await stage.zone.complete(view.session_id)
            await stage.service._archive.close()
            await stage.crash()
            assert (await stage.zone.capture(view.session_id)).state is CaptureState.UNKNOWN
            await stage.till.settle()
            await stage.service._archive.close()
            assert (await stage.zone.capture(view.session_id)).state is CaptureState.SUCCEEDED

        play(story, tmp_path)

    def test_a_stop_interrupts_and_refuses(self, tmp_path: Path) -> None:
        async def story(stage: CaptureStage) -> None:
            call = stage.live_call()
            view = await stage.zone.open_capture(stage.request(call))
            await stage.service.close()
            assert (await stage.zone.capture(view.session_id)).reason is EndReason.INTERRUPTED
            assert await refused(stage.zone.open_capture(stage.request(call))) == "shutting_down"

        play(story, tmp_path)
