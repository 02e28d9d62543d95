"""The fake media plane keeps the port's promises: capacity, order, and keys only while the mask is open."""

import pytest

from tonevault.cde.media import Carrier, KeyReport, MaskMode, MediaUnavailableError
from tonevault.cde.sealed.key import Key
from tonevault.kernel.ids import CallId
from tonevault.testing.media import FakeMediaPlane

ONE, TWO = CallId("call_one"), CallId("call_two")


class Sink:
    """Remembers."""

    def __init__(self) -> None:
        self.reports: list[KeyReport] = []
        self.lost: list[CallId] = []

    def key_pressed(self, report: KeyReport) -> None:
        self.reports.append(report)

    def key_held(self, call_id: CallId, carrier: Carrier, until: float) -> None:
        raise AssertionError

    def mask_changed(self, call_id: CallId, mode: MaskMode) -> None:
        raise AssertionError

    def media_lost(self, call_id: CallId) -> None:
        self.lost.append(call_id)


def test_ports_are_never_shared_and_capacity_is_kept() -> None:
    plane = FakeMediaPlane(capacity=1)
    first = plane.open(ONE)
    with pytest.raises(MediaUnavailableError):
        plane.open(TWO)
    plane.close(ONE)
    second = plane.open(TWO)
    assert len({first.customer.port, first.agent.port, second.customer.port, second.agent.port}) == 4
    assert plane.live == 1


def test_keys_are_reported_while_the_mask_is_open() -> None:
    plane, sink = FakeMediaPlane(), Sink()
    plane.sink = sink
    plane.open(ONE)
    plane.press(ONE, Key.from_event(1), 1.0)
    plane.set_mask(ONE, MaskMode.HUSH)
    assert plane.calls[ONE].mask is None
    plane.start_capture(ONE, MaskMode.TALK)
    plane.press(ONE, Key.from_event(1), 2.0, Carrier.TONE)
    plane.beep(ONE, Key.from_event(2), 3.0)
    plane.stop_capture(ONE)
    plane.press(ONE, Key.from_event(1), 4.0)
    assert [(report.onset, report.carrier) for report in sink.reports] == [(2.0, Carrier.TONE)]
    assert plane.calls[ONE].beeps == 2
    plane.lose(ONE)
    assert sink.lost == [ONE]


def test_a_command_for_a_closed_call_is_a_fault_of_the_test() -> None:
    plane = FakeMediaPlane()
    plane.open(ONE)
    plane.close(ONE)
    with pytest.raises(KeyError, match="closed"):
        plane.start_capture(ONE, MaskMode.TALK)
