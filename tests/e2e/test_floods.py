"""A real edge under floods of addresses that it knows: a call is set up, a card captured whole, and memory stays where it was."""

import contextlib
import socket
import threading
from collections.abc import Iterator

import psutil

from tests.e2e.house_calls import CallStage
from tests.e2e.peers.ports import LOOPBACK
from tests.e2e.test_capture_by_phone import assert_card_was_taken, assert_nothing_was_heard_but_beeps

FLOODER = "127.0.0.66"
SILENT_CONNECTIONS = 200
GROWTH_LIMIT_BYTES = 64 * 2**20
"""Of the secure process: a few thousand transactions and what Python keeps beside them."""

_OPTIONS = (
    "OPTIONS sip:x@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.66:%d;branch=z9hG4bKf%d\r\nFrom: <sip:a@b>;tag=1\r\n"
    "To: <sip:x@y>\r\nCall-ID: f%d\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
)


class Flood:
    """Requests without end and RTP of made-up sources, a burst every few milliseconds, until it is stopped."""

    def __init__(self, sip_port: int, media: range) -> None:
        self._sip_port, self._media = sip_port, media
        self._stopping = threading.Event()
        self.sent = 0
        self._thread = threading.Thread(target=self._pour)
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join()

    def _pour(self) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as flooder:
            flooder.bind((FLOODER, 0))
            port = flooder.getsockname()[1]
            while not self._stopping.wait(0.02):
                for number in range(self.sent, self.sent + 5):
                    flooder.sendto((_OPTIONS % (port, number, number)).encode(), (LOOPBACK, self._sip_port))
                    voice = (
                        b"\x80\x00"
                        + number.to_bytes(2, "big")
                        + number.to_bytes(4, "big") * 2
                        + b"\x55" * 160
                    )
                    flooder.sendto(voice, (LOOPBACK, self._media[number % len(self._media)]))
                self.sent += 5


@contextlib.contextmanager
def silent_connections(port: int) -> Iterator[None]:
    """Connections that never say a word."""
    with contextlib.ExitStack() as held:
        for _ in range(SILENT_CONNECTIONS):
            held.enter_context(socket.create_connection((LOOPBACK, port), source_address=(FLOODER, 0)))
        yield


def test_a_card_is_captured_while_the_edge_is_flooded(stage: CallStage) -> None:
    house = stage.house
    (secure,) = house.pids["secure"]
    before = psutil.Process(secure).memory_info().rss
    with silent_connections(house.ports.sip), silent_connections(house.ports.tls):
        flood = Flood(house.ports.sip, house.ports.media)
        try:
            call = stage.call()
            house.start_session(call.id, 1250)
            call.capture_card(call.key_by_events)
            assert_card_was_taken(call, 1250)
            assert_nothing_was_heard_but_beeps(call)
            assert call.hang_up()["end_reason"] == "customer_hung_up"
        finally:
            flood.stop()
    assert flood.sent > 500
    assert psutil.Process(secure).memory_info().rss - before < GROWTH_LIMIT_BYTES
