"""The customer's keys in SIP INFO: passed outside a capture, caught within, and nothing of the customer's passes beside them."""

import pytest
from tests.scenario.calls.phone import SDP, sdp
from tests.scenario.calls.stage import AGENT, CUSTOMER, Stage, route

from tonevault.cde.edge.errors import CallNotLiveError
from tonevault.cde.edge.key_body import PLAIN_TYPE, RELAY_TYPE
from tonevault.cde.edge.observer import EndReason
from tonevault.cde.edge.routes import CustomerSide
from tonevault.cde.media import Carrier, Leg, MaskMode
from tonevault.cde.sealed.key import Key
from tonevault.cde.wire.sip.events import RequestReceived, SipEvent
from tonevault.cde.wire.sip.message import Request
from tonevault.kernel.ids import CallId
from tonevault.testing.network import Weather


def relay(key: str, duration: int = 160) -> bytes:
    return f"Signal={key}\r\nDuration={duration}\r\n".encode()


def in_capture(stage: Stage, mode: MaskMode = MaskMode.TALK) -> Stage:
    stage.call()
    stage.run(20)
    stage.switch.start_capture(stage.call_id, mode)
    return stage


def mask(stage: Stage) -> MaskMode | None:
    return stage.media.calls[stage.call_id].mask


def keys_are(stage: Stage, expected: str) -> bool:
    wanted = [Key.from_character(ord(character)) for character in expected]
    return len(wanted) == len(stage.notes.keys) and all(
        one.key.matches(other) for one, other in zip(stage.notes.keys, wanted, strict=True)
    )


def test_outside_a_capture_every_info_passes_as_it_is() -> None:
    stage = Stage()
    stage.call()
    stage.customer.send("INFO", body=relay("5"), content_type=RELAY_TYPE, headers=(("X-A", "b"),))
    stage.run(1)
    passed = stage.agent.last("INFO")
    assert (passed.body, passed.content_type, passed.headers.get("X-A")) == (relay("5"), RELAY_TYPE, "b")
    assert stage.customer.statuses("INFO") == [200]
    assert stage.notes.keys == []
    stage.agent.send("INFO", body=b"7", content_type=PLAIN_TYPE)
    stage.run(1)
    assert stage.customer.last("INFO").body == b"7"


@pytest.mark.parametrize("seed", range(8))
def test_a_card_keyed_in_bad_weather_is_counted_once_and_in_order(seed: int) -> None:
    stage = in_capture(Stage(seed=seed, weather=Weather(loss=0.2, max_delay_s=0.1)))
    entry = "4400#"
    for place, character in enumerate(entry):
        kind, body = (RELAY_TYPE, relay(character)) if place % 2 else (PLAIN_TYPE, character.encode())
        stage.customer.send("INFO", body=body, content_type=kind)
        stage.run(30)
    assert keys_are(stage, entry)
    assert all(report.carrier is Carrier.INFO for report in stage.notes.keys)
    assert stage.media.calls[stage.call_id].beeps == len(entry)
    assert "INFO" not in stage.agent.methods()
    assert stage.customer.statuses("INFO") == [200] * len(entry)


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (RELAY_TYPE, b"Signal=\r\n"),
        (RELAY_TYPE, b"Signal=55\r\n"),
        (PLAIN_TYPE, b"5555"),
        (PLAIN_TYPE, b"!"),
        ("Application/DTMF-Relay; charset=x", b"Signal=z"),
        ("application/kpml-response+xml", b"<x digits='5'/>"),
        ("application/vnd.nortelnetworks.digits", b"p=Digit-Collection\r\n"),
        ("text/plain", b"5"),
        ("multipart/mixed; boundary=b", b"--b\r\nContent-Type: application/dtmf\r\n\r\n5\r\n--b--"),
        ("", b"5"),
    ],
)
def test_in_a_capture_no_body_of_the_customers_passes(kind: str, body: bytes) -> None:
    stage = in_capture(Stage())
    stage.customer.send("INFO", body=body, content_type=kind or "nothing")
    stage.run(1)
    assert stage.customer.statuses("INFO") == [200]
    assert "INFO" not in stage.agent.methods()
    assert stage.notes.keys == []


def test_what_cannot_hold_a_key_goes_on_passing() -> None:
    stage = in_capture(Stage())
    stage.customer.send("INFO", body=b"<media_control/>", content_type="application/media_control+xml")
    stage.run(1)
    stage.customer.send("INFO", headers=(("X-Digits", "5"),))
    stage.run(1)
    assert stage.agent.methods()[1:] == ["INFO", "INFO"]
    assert "X-Digits" not in stage.agent.requests[-1].headers
    stage.agent.send("INFO", body=b"5", content_type=PLAIN_TYPE, headers=(("X-Agent", "yes"),))
    stage.run(1)
    assert stage.customer.last("INFO").headers.get("X-Agent") == "yes"


@pytest.mark.parametrize(
    ("method", "status"), [("MESSAGE", 480), ("SUBSCRIBE", 480), ("REFER", 480), ("NOTIFY", 200)]
)
def test_other_requests_of_the_customer_wait(method: str, status: int) -> None:
    stage = in_capture(Stage())
    headers = (("Refer-To", "<sip:5@x.invalid>"),) if method == "REFER" else (("Event", "kpml"),)
    stage.customer.send(
        method, body=b"digits=5", content_type="application/kpml-response+xml", headers=headers
    )
    stage.run(1)
    assert stage.customer.statuses(method) == [status]
    assert method not in stage.agent.methods()


def test_the_mask_outlives_hold_and_a_new_offer() -> None:
    stage = in_capture(Stage(), MaskMode.HUSH)
    stage.agent.send("INVITE", body=sdp(AGENT, direction="inactive"), content_type=SDP)
    stage.run(1)
    stage.customer.send("INVITE", body=sdp(CUSTOMER, port=4400), content_type=SDP, headers=(("X-D", "5"),))
    stage.run(1)
    assert mask(stage) is MaskMode.HUSH
    assert "X-D" not in stage.agent.last("INVITE").headers
    stage.customer.send("INFO", body=relay("1"), content_type=RELAY_TYPE)
    stage.run(1)
    assert keys_are(stage, "1")
    stage.switch.set_mask(stage.call_id, MaskMode.TALK)
    assert mask(stage) is MaskMode.TALK
    assert [act for act, _ in stage.media.acts if "capture" in act] == ["start_capture"]


@pytest.mark.parametrize(
    ("late_s", "duration", "passes"), [(0.2, 160, False), (3.0, 160, True), (3.0, 4000, False)]
)
def test_a_key_pressed_in_the_window_and_told_after_it(late_s: float, duration: int, passes: bool) -> None:
    stage = in_capture(Stage())
    stage.switch.stop_capture(stage.call_id, stage.network.now)
    stage.run(late_s)
    stage.customer.send("INFO", body=relay("5", duration), content_type=RELAY_TYPE)
    stage.run(1)
    assert stage.customer.statuses("INFO") == [200]
    assert ("INFO" in stage.agent.methods()) is passes
    assert stage.notes.keys == []


def test_keys_of_the_relay_are_told_on_and_windows_open_and_close_at_will() -> None:
    stage = in_capture(Stage())
    stage.media.press(stage.call_id, Key.from_event(7), stage.network.now)
    assert keys_are(stage, "7")
    stage.switch.start_capture(stage.call_id, MaskMode.HUSH)
    assert mask(stage) is MaskMode.HUSH
    stage.switch.mask_changed(stage.call_id, MaskMode.HUSH)
    assert "mask hush" in stage.notes.said
    stage.switch.stop_capture(stage.call_id, stage.network.now)
    stage.switch.stop_capture(stage.call_id, stage.network.now)
    assert [act for act, _ in stage.media.acts if "capture" in act] == ["start_capture", "stop_capture"]
    stage.switch.start_capture(stage.call_id, MaskMode.TALK)
    assert mask(stage) is MaskMode.TALK


def test_a_kpml_report_is_kept_back_as_long_as_a_key_may_come_late() -> None:
    stage = in_capture(Stage())
    stage.switch.stop_capture(stage.call_id, stage.network.now)
    for wait_s, passes in ((0.1, False), (3.0, True)):
        stage.run(wait_s)
        stage.customer.send(
            "NOTIFY",
            body=b"digits",
            content_type="application/kpml-response+xml",
            headers=(("Event", "kpml"),),
        )
        stage.run(1)
        assert stage.customer.statuses("NOTIFY")[-1] == 200
        assert ("NOTIFY" in stage.agent.methods()) is passes


def test_the_core_keeps_no_key_that_was_caught() -> None:
    stage = in_capture(Stage())
    heard: list[Request] = []
    handle = stage.edge.on_event

    def listen(event: SipEvent) -> None:
        if isinstance(event, RequestReceived) and event.request.method == "INFO":
            heard.append(event.request)
        handle(event)

    stage.edge.on_event = listen
    stage.customer.send("INFO", body=relay("5"), content_type=RELAY_TYPE)
    stage.run(1)
    assert [request.body for request in heard] == [b""]
    transactions = stage.edge.stack._servers._transactions.values()
    held = [getattr(one, name, None) for one in transactions for name in type(one).__slots__]
    assert not any(isinstance(value, Request) for value in held), "a transaction needs no request"


@pytest.mark.parametrize("seed", range(3))
def test_the_customer_may_be_the_one_who_is_called(seed: int) -> None:
    """The contact centre dials out: the caller's leg is the agent's, and the keys come from the other one."""
    out = route(name="out", peers=f"{AGENT}/32", to=f"sip:{CUSTOMER}", customer=CustomerSide.CALLEE)
    stage = Stage(seed=seed, routes=(out,))
    stage.agent.dial(stage.at_edge, "+441632960001")
    stage.run(5)
    info = stage.switch.calls()[0]
    assert (info.called, info.route) == ("+441632960001", "out")
    assert stage.media.calls[info.call_id].legs[Leg.CUSTOMER].remote.host == CUSTOMER
    stage.switch.start_capture(info.call_id, MaskMode.TALK)
    stage.customer.send("INFO", body=relay("9"), content_type=RELAY_TYPE)
    stage.run(1)
    assert keys_are(stage, "9")
    assert stage.agent.methods() == []
    stage.customer.send("BYE")
    stage.run(1)
    assert stage.notes.infos[-1].end_reason is EndReason.CUSTOMER_HUNG_UP
    stage.nothing_is_left()


def test_hang_up_in_a_capture_takes_no_header_along() -> None:
    stage = in_capture(Stage())
    stage.customer.send("BYE", headers=(("X-Collected", "4111"),))
    stage.run(1)
    assert "X-Collected" not in stage.agent.last("BYE").headers
    with pytest.raises(CallNotLiveError):
        stage.switch.start_capture(stage.call_id, MaskMode.TALK)
    stage.switch.stop_capture(stage.call_id, stage.network.now)
    stage.nothing_is_left()


def test_no_capture_before_the_answer_or_on_a_call_that_never_was() -> None:
    stage = Stage(answer_after=None)
    stage.customer.dial(stage.at_edge)
    stage.run(2)
    for call_id in (stage.call_id, CallId("call_none")):
        with pytest.raises(CallNotLiveError):
            stage.switch.start_capture(call_id, MaskMode.TALK)
        stage.switch.stop_capture(call_id, 0.0)


def test_what_the_customer_answers_in_a_capture_says_nothing_of_its_own() -> None:
    stage = in_capture(Stage())
    stage.customer.extra = [("X-Digits", "5")]
    stage.agent.send("INFO", body=b"x", content_type="text/plain")
    stage.run(1)
    answer = stage.agent.responses[-1]
    assert (answer.status, answer.reason) == (200, "OK")
    assert "X-Digits" not in answer.headers
