"""When the mask is open, how the customer is heard, and how keys become dots."""

from pathlib import Path

from tests.capture_stage import GOOD, CaptureStage, play

from tonevault.boundary.captures import FieldName, FieldState
from tonevault.boundary.notices import CallChanged, CaptureChanged
from tonevault.cde.capture.mask_keeper import TAIL_LIMIT_S, TAIL_S
from tonevault.cde.media import Carrier, MaskMode

NUMBER = FieldName.CARD_NUMBER


class TestMask:
    def test_it_is_open_from_a_field_s_start_until_the_keypad_is_still(self, tmp_path: Path) -> None:
        async def story(stage: CaptureStage) -> None:
            call = stage.live_call()
            view = await stage.zone.open_capture(stage.request(call))
            assert stage.switch.masks == {}
            await stage.zone.start_field(view.session_id, NUMBER)
            assert stage.switch.masks == {call: MaskMode.TALK}
            stage.key(call, GOOD[NUMBER] + "#")
            stage.advance(TAIL_S - 0.5)
            stage.key(call, "#")  # A second confirm, masked, and it keeps the mask.
            stage.advance(TAIL_S - 0.5)
            assert stage.switch.masks == {call: MaskMode.TALK}
            stage.advance(0.5)
            assert stage.switch.masks == {}
            await stage.zone.start_field(view.session_id, FieldName.EXPIRY)
            stage.key(call, "1230#")
            await stage.zone.start_field(view.session_id, FieldName.SECURITY_CODE)
            stage.advance(TAIL_S + 1)
            assert stage.switch.masks == {call: MaskMode.TALK}
            assert stage.switch.acts == ["start talk", "stop", "start talk"]

        play(story, tmp_path)

    def test_it_outlasts_a_time_out_and_a_cancel_while_keys_come(self, tmp_path: Path) -> None:
        async def story(stage: CaptureStage) -> None:
            call = stage.live_call()
            view = await stage.zone.open_capture(stage.request(call))
            await stage.zone.start_field(view.session_id, NUMBER)
            await stage.zone.cancel(view.session_id)
            stage.key(call, GOOD[NUMBER])
            assert call in stage.switch.masks
            stage.advance(TAIL_S)
            assert call not in stage.switch.masks

        play(story, tmp_path)

    def test_it_does_not_swallow_the_contact_centre_s_own_menus(self, tmp_path: Path) -> None:
        async def story(stage: CaptureStage) -> None:
            call = stage.live_call()
            view = await stage.zone.open_capture(stage.request(call))
            await stage.zone.start_field(view.session_id, NUMBER)
            await stage.zone.cancel(view.session_id)
            for _ in range(int(TAIL_LIMIT_S) + 2):
                stage.key(call, "1")
                stage.advance(0.8)
            assert call not in stage.switch.masks

        play(story, tmp_path)

    def test_hush_by_route_by_button_and_by_noise(self, tmp_path: Path) -> None:
        async def story(stage: CaptureStage) -> None:
            call = stage.live_call(route="payments")
            assert (await stage.zone.calls())[0].hushed
            view = await stage.zone.open_capture(stage.request(call))
            assert view.hushed
            await stage.zone.start_field(view.session_id, NUMBER)
            assert stage.switch.masks == {call: MaskMode.HUSH}
            assert not (await stage.zone.set_hush(call, on=False)).hushed
            assert stage.switch.masks == {call: MaskMode.TALK}
            stage.service.observer.mask_changed(call, MaskMode.HUSH)
            noisy = await stage.zone.capture(view.session_id)
            assert (noisy.hushed, noisy.hushed_by_noise) == (False, True)
            stage.service.observer.mask_changed(call, MaskMode.TALK)
            assert not (await stage.zone.capture(view.session_id)).hushed_by_noise

        play(story, tmp_path, hushed_routes=["payments"])


class TestKeys:
    def test_three_carriers_of_each_press(self, tmp_path: Path) -> None:
        async def story(stage: CaptureStage) -> None:
            view = await stage.zone.open_capture(stage.request(stage.live_call()))
            await stage.zone.start_field(view.session_id, NUMBER)
            stage.key(view.call_id, "4444333322221111#", Carrier.EVENT, Carrier.TONE, Carrier.INFO)
            field = (await stage.zone.capture(view.session_id)).fields[0]
            assert (field.state, field.dots, field.error) == (FieldState.CAPTURED, 16, None)

        play(story, tmp_path)

    def test_each_key_is_told_at_once(self, tmp_path: Path) -> None:
        async def story(stage: CaptureStage) -> None:
            view = await stage.zone.open_capture(stage.request(stage.live_call()))
            await stage.zone.start_field(view.session_id, NUMBER)
            dots = []
            with stage.service.board.listen() as listener:
                stage.key(view.call_id, "42*4")
                stage.hang_up(view.call_id)
                async for notice in listener:
                    if isinstance(notice, CallChanged):
                        break
                    assert isinstance(notice, CaptureChanged)
                    dots.append(notice.capture.fields[0].dots)
            assert dots == [1, 2, 0, 1, 0]

        play(story, tmp_path)
