"""Transfers and the other requests that only pass: REFER with its NOTIFYs, texts, subscriptions, methods nobody knows."""

import pytest
from tests.scenario.calls.phone import Phone
from tests.scenario.calls.stage import Stage

from tonevault.cde.media import MaskMode
from tonevault.cde.wire.sip.cseq import CSeq
from tonevault.cde.wire.sip.events import ServerKey
from tonevault.cde.wire.sip.message import Request

TARGET = "<sip:5000@transfer.invalid>"
NOTIFY = (("Event", "refer"), ("Subscription-State", "active;expires=60"))


def test_a_blind_transfer_and_its_progress() -> None:
    stage = Stage()
    stage.call()
    stage.customer.extra = [("X-From-Customer", "1")]
    stage.agent.send("REFER", headers=(("Refer-To", TARGET), ("Referred-By", "<sip:agent@a.invalid>")))
    stage.run(1)
    passed = stage.customer.last("REFER")
    assert passed.headers.get("Refer-To") == TARGET
    assert passed.headers.get("Referred-By") == "<sip:agent@a.invalid>"
    assert stage.agent.statuses("REFER") == [200]
    stage.customer.send("NOTIFY", body=b"SIP/2.0 200 OK", content_type="message/sipfrag", headers=NOTIFY)
    stage.run(1)
    told = stage.agent.last("NOTIFY")
    assert (told.body, told.headers.get("Event")) == (b"SIP/2.0 200 OK", "refer")
    assert told.headers.get("Subscription-State") == "active;expires=60"
    stage.agent.send("BYE")
    stage.nothing_is_left()


@pytest.mark.parametrize("silent", [False, True])
def test_a_call_outlives_a_transfer_of_whose_progress_nobody_wants_to_know(silent: bool) -> None:
    """RFC 5057 section 4.1: a subscription that is gone, and says so by 481 or silence, is not the call."""
    stage = Stage()
    stage.call()
    stage.agent.send("REFER", headers=(("Refer-To", TARGET),))
    stage.run(1)

    def unknown(key: ServerKey, request: Request) -> bool:
        if request.method == "NOTIFY" and not silent:
            stage.agent.accept(key, request, status=481)
        return request.method == "NOTIFY"

    stage.agent.on_request = unknown
    stage.customer.send("NOTIFY", body=b"SIP/2.0 100 Trying", content_type="message/sipfrag", headers=NOTIFY)
    stage.run(40)
    assert silent or stage.customer.statuses("NOTIFY") == [481]
    assert stage.switch.calls()
    stage.customer.send("BYE")
    stage.nothing_is_left()


def test_a_second_transfers_number_is_that_of_its_own_leg() -> None:
    stage = Stage()
    stage.call()
    for _ in range(3):
        stage.agent.send("INFO")
    stage.run(1)
    stage.agent.send("REFER", headers=(("Refer-To", TARGET),))
    stage.run(1)
    there, here = stage.customer.last("REFER").cseq.number, 4
    stage.customer.send(
        "NOTIFY",
        body=b"SIP/2.0 100 Trying",
        content_type="message/sipfrag",
        headers=(("Event", f"refer;id={there}"), NOTIFY[1]),
    )
    stage.run(1)
    assert stage.agent.last("NOTIFY").headers.get("Event") == f"refer;id={here}"


@pytest.mark.parametrize("status", [405, 501, 603])
def test_a_far_side_that_does_not_transfer_says_so(status: int) -> None:
    stage = Stage()
    stage.call()

    def refuse(phone: Phone) -> None:
        def answer(key, request) -> bool:  # type: ignore[no-untyped-def]  # noqa: ANN001
            phone.accept(key, request, status=status, headers=(("Allow", "INVITE"),))
            return True

        phone.on_request = answer

    refuse(stage.customer)
    stage.agent.send("REFER", headers=(("Refer-To", TARGET),))
    stage.run(1)
    assert stage.agent.statuses("REFER") == [status]
    assert stage.switch.calls()


def test_an_attended_transfer_onto_a_dialog_of_the_edge_is_refused() -> None:
    stage = Stage()
    stage.call()
    dialog = stage.agent.dialog
    assert dialog is not None
    ours = f"{dialog.call_id}%3Bto-tag%3D{dialog.remote.tag}%3Bfrom-tag%3D{dialog.local.tag}"
    for replaces, status in ((ours, 501), ("else%3Bto-tag%3D1%3Bfrom-tag%3D2", 200)):
        stage.agent.send("REFER", headers=(("Refer-To", f"<sip:x@y.invalid?Replaces={replaces}>"),))
        stage.run(1)
        assert stage.agent.statuses("REFER")[-1] == status


@pytest.mark.parametrize("headers", [(), (("Refer-To", "nonsense <"),)])
def test_a_refer_that_names_nobody(headers: tuple[tuple[str, str], ...]) -> None:
    stage = Stage()
    stage.call()
    stage.agent.send("REFER", headers=headers)
    stage.run(1)
    assert stage.agent.statuses("REFER") == [400]
    assert "REFER" not in stage.customer.methods()


def test_progress_during_a_capture_is_told_in_our_own_words() -> None:
    stage = Stage()
    stage.call()
    stage.switch.start_capture(stage.call_id, MaskMode.TALK)
    stage.agent.send("REFER", headers=(("Refer-To", TARGET),))
    stage.run(1)
    assert "REFER" in stage.customer.methods()
    number = stage.customer.last("REFER").cseq.number
    stage.customer.send(
        "NOTIFY",
        body=b"SIP/2.0 180 4111111111111111\r\nX: 4111",
        content_type="message/sipfrag",
        headers=(
            ("Event", f"refer;id={number};x=4111"),
            ("Subscription-State", "active;x=4111"),
            ("X-A", "4111"),
        ),
    )
    stage.run(1)
    told = stage.agent.last("NOTIFY")
    assert told.body == b"SIP/2.0 180\r\n"
    assert told.headers.get("Event") == "refer;id=1"
    assert told.headers.get("Subscription-State") == "active"
    assert b"4111" not in told.encode()


def test_texts_and_subscriptions_pass_and_unknown_methods_do_not() -> None:
    stage = Stage()
    stage.call()
    stage.customer.send("MESSAGE", body="grüß".encode(), content_type="text/plain;charset=utf-8")
    stage.agent.send("SUBSCRIBE", headers=(("Event", "kpml"), ("Expires", "3600")))
    stage.run(1)
    text = stage.agent.last("MESSAGE")
    assert (text.body.decode(), text.headers.get("Content-Type")) == ("grüß", "text/plain;charset=utf-8")
    assert stage.customer.last("SUBSCRIBE").headers.get("Expires") == "3600"
    for method, status in (("PUBLISH", 405), ("FROB", 501), ("OPTIONS", 200)):
        stage.customer.send(method)
        stage.run(1)
        assert stage.customer.statuses(method) == [status]
        assert method not in stage.agent.methods()


def test_a_request_out_of_order_is_refused() -> None:
    stage = Stage()
    stage.call()
    dialog = stage.customer.dialog
    assert dialog is not None
    late = dialog.request("INFO")
    stage.customer.send("INFO")
    stage.run(1)
    late.headers.set("CSeq", CSeq(1, "INFO").text())
    stage.customer.node.send_request(late, stage.at_edge)
    stage.run(1)
    assert stage.customer.statuses("INFO") == [200, 500]
