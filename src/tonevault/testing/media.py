"""A media plane without sound: it remembers what it was asked, in order, and presses keys when a test says so."""

from dataclasses import dataclass, field
from typing import Final

from tonevault.cde.media import (
    Carrier,
    KeyReport,
    Leg,
    LegMedia,
    MaskMode,
    MediaAddress,
    MediaPorts,
    MediaSink,
    MediaUnavailableError,
)
from tonevault.cde.sealed.key import Key
from tonevault.kernel.ids import CallId

FIRST_PORT: Final = 20_000
PORTS_A_CALL: Final = 4
"""RTP and RTCP for each leg."""


@dataclass(slots=True)
class FakeCall:
    """What the plane knows of one call. `beeps` counts beeps; the keys behind them are not kept."""

    ports: MediaPorts
    legs: dict[Leg, LegMedia] = field(default_factory=dict)
    mask: MaskMode | None = None
    beeps: int = 0
    closed: bool = False


class FakeMediaPlane:
    """A MediaPlane for simulated time. `capacity` calls fit at once; `acts` are the names of all commands, in order.

    Commands for an unknown or closed call raise KeyError, as a test should learn of them.
    """

    def __init__(self, *, host: str = "198.51.100.1", capacity: int = 100) -> None:
        self.calls: dict[CallId, FakeCall] = {}
        self.acts: list[tuple[str, CallId]] = []
        self.sink: MediaSink | None = None
        self._host = host
        self._capacity = capacity
        self._opened = 0

    @property
    def live(self) -> int:
        """How many calls hold ports."""
        return sum(not call.closed for call in self.calls.values())

    def open(self, call_id: CallId) -> MediaPorts:
        """Ports for a call, never used twice. Raises MediaUnavailableError at the capacity."""
        if self.live >= self._capacity:
            raise MediaUnavailableError
        first = FIRST_PORT + PORTS_A_CALL * self._opened
        self._opened += 1
        ports = MediaPorts(
            customer=MediaAddress(self._host, first, first + 1),
            agent=MediaAddress(self._host, first + 2, first + 3),
        )
        self.calls[call_id] = FakeCall(ports)
        self.acts.append(("open", call_id))
        return ports

    def configure(self, call_id: CallId, leg: Leg, media: LegMedia) -> None:
        """Remember the newest setting of a leg."""
        self._live(call_id, "configure").legs[leg] = media

    def start_capture(self, call_id: CallId, mode: MaskMode) -> None:
        """Open the mask."""
        self._live(call_id, "start_capture").mask = mode

    def set_mask(self, call_id: CallId, mode: MaskMode) -> None:
        """Change the mask of an open capture."""
        call = self._live(call_id, "set_mask")
        if call.mask is not None:
            call.mask = mode

    def stop_capture(self, call_id: CallId) -> None:
        """Close the mask."""
        self._live(call_id, "stop_capture").mask = None

    def beep(self, call_id: CallId, key: Key, onset: float) -> None:  # noqa: ARG002 - a fake hears all keys alike
        """Count a beep."""
        self._live(call_id, "beep").beeps += 1

    def close(self, call_id: CallId) -> None:
        """Free the ports."""
        self._live(call_id, "close").closed = True

    def press(self, call_id: CallId, key: Key, now: float, carrier: Carrier = Carrier.EVENT) -> None:
        """A key of the customer: reported to the sink while the mask is open, as a relay would."""
        call = self._live(call_id, "press")
        if call.mask is not None and self.sink is not None:
            call.beeps += 1
            self.sink.key_pressed(KeyReport(call_id, key, carrier, now))

    def lose(self, call_id: CallId) -> None:
        """The worker of this call dies."""
        self._live(call_id, "lose")
        if self.sink is not None:
            self.sink.media_lost(call_id)

    def _live(self, call_id: CallId, act: str) -> FakeCall:
        call = self.calls[call_id]
        if call.closed:
            raise KeyError(f"{act}: the call's media are closed")
        self.acts.append((act, call_id))
        return call
