"""What the edge itself waits for: a phone that rings too long, an offer without an answer, a session without a refresh."""

from collections.abc import Hashable
from typing import Protocol

from tonevault.cde.edge.call import Call
from tonevault.cde.wire.sip.timer_queue import TimerQueue
from tonevault.kernel.ids import CallId

AlarmName = tuple[Hashable, ...]
"""Names an alarm within its call."""


class Alarm(Protocol):
    """What happens at a time."""

    def ring(self, now: float) -> None:
        """The time has come."""


class Alarms:
    """One pending time for each name of a call."""

    def __init__(self) -> None:
        self._queue: TimerQueue[tuple[CallId, AlarmName]] = TimerQueue()
        self._alarms: dict[CallId, dict[AlarmName, Alarm]] = {}

    def set(self, call: Call, name: AlarmName, alarm: Alarm, when: float) -> None:
        """Let an alarm ring at `when` (seconds, monotonic), in place of any of the same name."""
        self._queue.set((call.id, name), when)
        self._alarms.setdefault(call.id, {})[name] = alarm

    def cancel(self, call: Call, name: AlarmName) -> None:
        """Forget an alarm; nothing happens when it is not set."""
        self._queue.cancel((call.id, name))
        self._alarms.get(call.id, {}).pop(name, None)

    def cancel_all(self, call: Call) -> None:
        """Forget all alarms of a call."""
        for name in self._alarms.pop(call.id, {}):
            self._queue.cancel((call.id, name))

    def next(self) -> float | None:
        """When the earliest rings; None when none is set."""
        return self._queue.next()

    def ring_due(self, now: float) -> None:
        """Ring all that are due."""
        while (due := self._queue.pop_due(now)) is not None:
            call_id, name = due
            alarm = self._alarms.get(call_id, {}).pop(name, None)
            if alarm is not None:
                alarm.ring(now)

    def __len__(self) -> int:
        return len(self._queue)
