"""When the mask over a call is open: from a field's start until the keypad has been still for a while after its end."""

from dataclasses import dataclass, field
from math import isinf
from typing import Final

from tonevault.cde.capture.ports import MaskSwitch, Timer, Timers
from tonevault.cde.media import Carrier, MaskMode
from tonevault.kernel.clock import Clock
from tonevault.kernel.ids import CallId

TAIL_S: Final = 3.0
"""A customer keys on after a time-out or a second `#`, and a late INFO is a second behind. Each key in the tail begins it anew."""
TAIL_LIMIT_S: Final = 30.0
"""However busy the keypad: whoever keys on for so long means the contact centre's own menus."""


@dataclass(slots=True)
class _Mask:
    """An open mask; `closing_since` once its window has ended."""

    mode: MaskMode
    closing_since: float | None = None
    still_since: float = 0.0
    timer: Timer | None = None
    down: set[Carrier] = field(default_factory=set)
    """Who tells of a key that is still held. Its INFO is yet to come."""

    def stay(self) -> None:
        self.closing_since = None
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None


class MaskKeeper:
    """One mask a call. Outside of it the call is untouched."""

    def __init__(self, timers: Timers, clock: Clock) -> None:
        self._switch_or_none: MaskSwitch | None = None
        self._timers = timers
        self._clock = clock
        self._masks: dict[CallId, _Mask] = {}

    def attach(self, switch: MaskSwitch) -> None:
        """Connect the switch that carries the masks out."""
        self._switch_or_none = switch

    def open(self, call_id: CallId, mode: MaskMode) -> bool:
        """Mask the customer's keys from now on. Answers whether the call was unmasked before."""
        mask = self._masks.get(call_id)
        if mask is None or mask.mode is not mode:
            self._switch.start_capture(call_id, mode)
        if mask is None:
            self._masks[call_id] = _Mask(mode)
            return True
        mask.mode = mode
        mask.stay()
        return False

    def close_soon(self, call_id: CallId) -> None:
        """The window has ended: close once the keypad is still."""
        mask = self._masks.get(call_id)
        if mask is not None and mask.closing_since is None:
            mask.closing_since = mask.still_since = self._clock.monotonic()
            self._wait(call_id, mask, TAIL_S)

    def key_pressed(self, call_id: CallId, carrier: Carrier) -> None:
        """The keypad is not still. What an INFO tells of is over, or told of by others too."""
        mask = self._masks.get(call_id)
        if mask is not None:
            mask.still_since = self._clock.monotonic()
            if carrier is not Carrier.INFO:
                mask.down.add(carrier)

    def key_held(self, call_id: CallId, carrier: Carrier, until: float) -> None:
        """The key that a carrier told of last was let go, or is down again (infinity)."""
        mask = self._masks.get(call_id)
        if mask is not None:
            mask.still_since = self._clock.monotonic()
            (mask.down.add if isinf(until) else mask.down.discard)(carrier)

    def set_mode(self, call_id: CallId, mode: MaskMode) -> None:
        """Mute the customer towards the agent, or let both talk, while a mask is open."""
        mask = self._masks.get(call_id)
        if mask is not None and mask.mode is not mode:
            mask.mode = mode
            self._switch.set_mask(call_id, mode)

    def forget(self, call_id: CallId) -> None:
        """The call is over, and its mask with it."""
        mask = self._masks.pop(call_id, None)
        if mask is not None:
            mask.stay()

    @property
    def _switch(self) -> MaskSwitch:
        if self._switch_or_none is None:
            raise RuntimeError("mask keeper: attach the switch before calls arrive")
        return self._switch_or_none

    def _wait(self, call_id: CallId, mask: _Mask, delay: float) -> None:
        mask.timer = self._timers.call_later(delay, lambda: self._check(call_id))

    def _check(self, call_id: CallId) -> None:
        mask = self._masks.get(call_id)
        if mask is None or mask.closing_since is None:
            return
        now = self._clock.monotonic()
        still_since = now if mask.down else mask.still_since
        due = min(still_since + TAIL_S, mask.closing_since + TAIL_LIMIT_S)
        if now < due:
            self._wait(call_id, mask, due - now)
            return
        del self._masks[call_id]
        self._switch.stop_capture(call_id, now)
