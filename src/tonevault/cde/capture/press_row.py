"""The presses of one call's capture, as they become known. It forgets what no carrier can still tell of, and what an older window held."""

from dataclasses import replace
from typing import Final

from tonevault.cde.capture.reconcile import CARRIERS, Lag, merge
from tonevault.cde.capture.telling import INFO_LATE_S, LATE_S, REPORT_DELAY_S, Press, Telling
from tonevault.cde.media import Carrier

MAX_HOLD_S: Final = 5.0
"""How long a key is held at most of which nothing but an INFO says so."""
SETTLED_S: Final = MAX_HOLD_S + INFO_LATE_S + REPORT_DELAY_S
"""A press that was told of so long ago, and is over, can no longer be told of by anyone who has not done so."""
MAX_PENDING: Final = 96
"""Tellings of one carrier within SETTLED_S: Q.24 allows a key each 80 ms, 85 in that time. Faster is no keypad, and is dropped."""
MAX_HELD: Final = 64
"""Presses held for one window since the last `*`: a full card number, `#`, and a customer who keys on regardless."""


class PressRow:
    """Fed with tellings in the order of their arrival; `presses` is the row since the window opened, in the order of pressing.

    It spans windows, so that a late telling of the last `#` pairs with the press that closed the former window.
    """

    def __init__(self) -> None:
        self.heard: set[Carrier] = set()
        self._opened_at = float("inf")
        self._pending: dict[Carrier, list[Telling]] = {each: [] for each in CARRIERS}
        self._lag = Lag.unknown()
        self._held: list[Press] = []
        self._row: list[Press] = []

    @property
    def presses(self) -> list[Press]:
        """Every press of the window, those first that are settled."""
        return [*self._held, *(each for each in self._row if each.began_since(self._opened_at))]

    def open_window(self, at: float) -> None:
        """From now on only presses count that began, and are told of, at `at` or later."""
        self._held.clear()
        self._opened_at = at

    def close_window(self) -> None:
        """Nothing counts until the next window."""
        self.open_window(float("inf"))

    def tell(self, telling: Telling) -> None:
        """A carrier tells of a press. Each carrier tells each press once, and in order."""
        self.heard.add(telling.carrier)
        pending = self._pending[telling.carrier]
        if len(pending) == MAX_PENDING:
            self.settle(telling.told_at)
            if len(pending) == MAX_PENDING:
                return
        if telling.carrier is Carrier.INFO:
            telling = replace(telling, held_since=self._held_since(telling))
        elif pending:
            # One key at a time: who tells of the next has let go of this one.
            pending[-1] = replace(pending[-1], down_until=min(pending[-1].down_until, telling.onset))
        pending.append(telling)
        self.settle(telling.told_at)

    def held(self, carrier: Carrier, until: float, now: float) -> None:
        """The key that a carrier told of last was down until then, or is down again (infinity)."""
        pending = self._pending[carrier]
        if pending:
            pending[-1] = replace(pending[-1], down_until=until)
            self.settle(now)

    @property
    def settled_at(self) -> float:
        """When all that is known will be settled; infinity when it is."""
        waiting = [_settled_at(each) for pending in self._pending.values() for each in pending]
        return max(waiting, default=float("inf"))

    def settle(self, now: float) -> None:
        """Put the accounts together; hold on to the presses that are certain, and forget those outside the window."""
        row = merge(tuple(tuple(self._pending[each]) for each in CARRIERS), self._lag.copy())
        settled = 0
        for press in row:
            if max(_settled_at(each) for each in press.tellings) > now:
                break
            for telling in press.tellings:
                self._pending[telling.carrier].pop(0)
            self._lag.learn(press)
            self._hold(press)
            settled += 1
        self._row = row[settled:]

    def awaited_until(self, press: Press) -> float:
        """Until when a carrier that was heard on this call may still tell of `press`; its latest onset when all have."""
        silent = self.heard - press.carriers
        return max((press.latest + LATE_S[each] + REPORT_DELAY_S for each in silent), default=press.latest)

    def wipe(self) -> None:
        """Forget every key."""
        self.close_window()
        self._row.clear()
        for pending in self._pending.values():
            pending.clear()

    def _held_since(self, info: Telling) -> float:
        """When the key went down that an INFO may tell of at its release: one that was down until less ago than an INFO is late."""
        return min(
            (
                each.earliest
                for carrier in CARRIERS
                for each in self._pending[carrier]
                if carrier is not Carrier.INFO
                and each.key.matches(info.key)
                and each.over_at >= info.onset - INFO_LATE_S
            ),
            default=float("inf"),
        )

    def _hold(self, press: Press) -> None:
        if not press.began_since(self._opened_at):
            return
        if press.key.is_clear:
            self._held.clear()
        elif len(self._held) < MAX_HELD:
            self._held.append(press)


def _settled_at(telling: Telling) -> float:
    """From when on nobody can tell of the same press any more who has not done so."""
    return max(telling.told_at + SETTLED_S, telling.over_at + INFO_LATE_S + REPORT_DELAY_S)
