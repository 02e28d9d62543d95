"""A key held for seconds is one digit, whoever tells of it: events, its tone, SIP INFO at its release that may not say how long it was."""

from itertools import chain
from pathlib import Path

import pytest
from tests.capture_stage import CaptureStage, play
from tests.e2e.peers.keypad import EVENT_CODES
from tests.e2e.peers.wav import keyed, noise, silence
from tests.scenario.media.stage import PACKET_S, START, Network, Phone, Stage
from tests.unit.cde.capture.presses import shown

from tonevault.boundary.captures import FieldName, FieldState
from tonevault.cde.capture.mask_keeper import TAIL_S
from tonevault.cde.capture.press_row import PressRow
from tonevault.cde.capture.telling import Telling
from tonevault.cde.edge.relay.held_keys import STILL_DOWN, Held
from tonevault.cde.edge.relay.masked_flow import Pressed
from tonevault.cde.media import Carrier
from tonevault.cde.sealed.key import Key

EVENT, TONE, INFO = Carrier.EVENT, Carrier.TONE, Carrier.INFO
MEDIA = [(EVENT,), (TONE,), (EVENT, TONE)]
FIRST_S = 0.5
"""When the first key goes down."""
Press = tuple[str, float]
"""A key, and how long it is held."""


def media(presses: list[Press], gap_s: float, told_by: tuple[Carrier, ...], network: Network | None) -> Stage:
    """The reports of a relay to which a phone tells of the presses by its events, by tones, or both at once."""
    phone = Phone().says(noise(FIRST_S, -60))
    for key, held_s in presses:
        tone = keyed(key, held_s, 0) if TONE in told_by else silence(held_s)
        sound = tone.mixed_with(noise(held_s, -60))
        if EVENT in told_by:
            phone.keys(key, held_s, beside=sound)
        else:
            phone.says(sound)
        phone.says(noise(gap_s, -60))
    phone.says(noise(1.0, -60))
    return Stage(network=network).sends(phone).capture(0.2).play(phone.at)


def row_of(stage: Stage, infos: list[Telling]) -> str:
    """The presses that the capture makes of what the relay and the signalling told, each when it came."""
    row = PressRow()
    row.open_window(START)
    reports = ((START + at, report) for at, report in stage.reports)
    for at, told in sorted(
        chain(reports, ((each.told_at, each) for each in infos)), key=lambda each: each[0]
    ):
        match told:
            case Pressed(key, carrier, onset):
                row.tell(Telling(key, carrier, onset, at))
            case Held(carrier, until):
                row.held(carrier, until, at)
            case Telling():
                row.tell(told)
    return shown(row.presses)


def info(key: str, released_at: float, *, late_s: float = 0.0, names_s: float = 0.0) -> Telling:
    """SIP INFO of a key that was let go at a time of the stage, `late_s` before (or, negative, after) it comes."""
    at = START + released_at + late_s
    return Telling(Key.from_event(EVENT_CODES[key]), INFO, at - names_s, at)


def infos_of(presses: list[Press], gap_s: float, *, late_s: float, named: bool) -> list[Telling]:
    """SIP INFO at each press's release."""
    at, infos = FIRST_S, []
    for key, held_s in presses:
        infos.append(info(key, at + held_s, late_s=late_s, names_s=held_s if named else 0.0))
        at += held_s + gap_s
    return infos


@pytest.mark.parametrize("told_by", MEDIA)
@pytest.mark.parametrize("held_s", [2.0, 5.0, 10.0])
def test_a_key_that_is_held_is_one(held_s: float, told_by: tuple[Carrier, ...]) -> None:
    stage = media([("4", held_s)], 0.3, told_by, None)
    assert row_of(stage, []) == "4"
    for named in (True, False):
        # Before the relay knows of the release, at it, and as late as an INFO can be.
        for late_s in (-0.2, 0.0, 0.02, 0.3, 1.4):
            infos = infos_of([("4", held_s)], 0.3, late_s=late_s, named=named)
            assert row_of(stage, infos) == "4", (named, late_s)
    assert row_of(stage, [info("4", FIRST_S, late_s=0.1)]) == "4", "told at key-down"
    assert row_of(stage, [info("4", FIRST_S + held_s, late_s=1.7)]) == "44", "too late to be the same"


@pytest.mark.parametrize("told_by", MEDIA)
@pytest.mark.parametrize("held_s", [2.0, 5.0])
@pytest.mark.parametrize("gap_s", [0.1, 1.0])
def test_the_same_key_again_after_a_long_press(
    held_s: float, gap_s: float, told_by: tuple[Carrier, ...]
) -> None:
    presses = [("4", held_s), ("4", 0.1)]
    stage = media(presses, gap_s, told_by, None)
    for named in (True, False):
        for late_s in (0.0, 0.3, 1.4):
            infos = infos_of(presses, gap_s, late_s=late_s, named=named)
            assert row_of(stage, infos) == "44", (named, late_s)
            assert row_of(stage, infos[1:]) == "44", (named, late_s)


def test_info_of_a_press_that_the_media_lost_is_not_taken_for_the_long_one_before() -> None:
    stage = media([("4", 3.0), ("1", 0.1)], 2.0, (EVENT,), None)
    # The INFO of the first was lost; between the two, a second 4 was told by INFO alone.
    assert row_of(stage, [info("4", FIRST_S + 3.0 + 1.6), info("1", FIRST_S + 5.1)]) == "441"


@pytest.mark.parametrize("told_by", MEDIA)
def test_on_a_network_that_loses_packets(told_by: tuple[Carrier, ...]) -> None:
    presses = [("4", 2.0), ("4", 0.1), ("7", 3.0)]
    stage = media(presses, 0.4, told_by, Network(loss=0.03, jitter_s=0.02))
    for late_s in (0.0, 0.5):
        assert row_of(stage, infos_of(presses, 0.4, late_s=late_s, named=False)) == "447"


class TestWhatTheRelayTells:
    def held(self, stage: Stage) -> list[tuple[Carrier, float]]:
        return [(each.carrier, each.until - START) for _, each in stage.reports if isinstance(each, Held)]

    @pytest.mark.parametrize("told_by", MEDIA)
    def test_when_the_key_was_let_go(self, told_by: tuple[Carrier, ...]) -> None:
        for carrier, until in (told := self.held(media([("4", 10.0)], 0.3, told_by, None))):
            assert until == pytest.approx(FIRST_S + 10.0, abs=0.05), carrier
        assert {carrier for carrier, _ in told} == set(told_by)
        assert len(told) == len(told_by)

    def test_an_event_whose_end_was_lost_is_over_all_the_same(self) -> None:
        phone = Phone().says(noise(0.5, -60)).keys("4", 2.0, ends=0).says(noise(0.6, -60))
        ((carrier, until),) = self.held(Stage().sends(phone).capture(0.2).play(phone.at))
        assert carrier is EVENT
        assert until == pytest.approx(2.5, abs=0.05)

    @pytest.mark.parametrize("told_by", [(EVENT,), (TONE,)])
    def test_a_key_that_sounds_on_after_a_hole_is_down_again(self, told_by: tuple[Carrier, ...]) -> None:
        hole_s = 0.3 if told_by == (EVENT,) else 0.1
        phone = Phone().says(noise(FIRST_S, -60))
        sound = keyed("4", 3.0, 0).mixed_with(noise(3.0, -60))
        phone = phone.keys("4", 3.0, beside=silence(3.0)) if told_by == (EVENT,) else phone.says(sound)
        phone.says(noise(1.0, -60))
        phone.sent = [each for each in phone.sent if not 1.5 <= each[0] < 1.5 + hole_s]
        stage = Stage().sends(phone).capture(0.2).play(phone.at)
        told = self.held(stage)
        assert [until for _, until in told] == [
            pytest.approx(1.5, abs=0.05),
            STILL_DOWN,
            pytest.approx(FIRST_S + 3.0, abs=0.05),
        ]
        assert len(stage.presses()) == 1
        assert row_of(stage, [info("4", FIRST_S + 3.0, late_s=-PACKET_S)]) == "4"

    @pytest.mark.parametrize("told_by", MEDIA)
    def test_nothing_of_a_key_that_was_down_before_the_capture(self, told_by: tuple[Carrier, ...]) -> None:
        phone = Phone()
        sound = keyed("4", 1.0, 0) if TONE in told_by else silence(1.0)
        if EVENT in told_by:
            phone.keys("4", 1.0, beside=sound)
        else:
            phone.says(sound)
        phone.says(noise(1.0, -60))
        stage = Stage().sends(phone).capture(0.5).play(phone.at)
        assert stage.presses() == []
        assert self.held(stage) == []


class TestTheWholeCapture:
    def test_the_dot_and_the_mask_of_a_key_that_is_held(self, tmp_path: Path) -> None:
        async def story(stage: CaptureStage) -> None:
            call = stage.live_call()
            view = await stage.zone.open_capture(stage.request(call))
            await stage.zone.start_field(view.session_id, FieldName.CARD_NUMBER)
            stage.press(call, "4", EVENT, TONE)
            stage.advance(8.0)
            stage.lets_go(call, EVENT)
            stage.lets_go(call, TONE)
            stage.press(call, "4", INFO)
            field = (await stage.zone.capture(view.session_id)).fields[0]
            assert (field.state, field.dots) == (FieldState.CAPTURING, 1)
            # The customer holds on while the agent cancels: what its INFO tells at the release must not pass.
            stage.press(call, "2", EVENT)
            await stage.zone.cancel(view.session_id)
            stage.advance(TAIL_S + 5.0)
            assert call in stage.switch.masks
            stage.lets_go(call, EVENT)
            stage.press(call, "2", INFO)
            stage.advance(TAIL_S - 0.1)
            assert call in stage.switch.masks
            stage.advance(0.1)
            assert call not in stage.switch.masks

        play(story, tmp_path)

    def test_a_confirm_that_is_held_into_the_next_field(self, tmp_path: Path) -> None:
        async def story(stage: CaptureStage) -> None:
            call = stage.live_call()
            view = await stage.zone.open_capture(stage.request(call))
            await stage.zone.start_field(view.session_id, FieldName.CARD_NUMBER)
            stage.key(call, "4242424242424242", EVENT, INFO)
            stage.press(call, "#", EVENT)
            await stage.zone.start_field(view.session_id, FieldName.EXPIRY)
            stage.advance(9.0)
            stage.lets_go(call, EVENT)
            stage.press(call, "#", INFO)
            stage.key(call, "1230#", EVENT, INFO)
            number, expiry, _ = (await stage.zone.capture(view.session_id)).fields
            assert (number.state, expiry.state) == (FieldState.CAPTURED, FieldState.CAPTURED)

        play(story, tmp_path)
