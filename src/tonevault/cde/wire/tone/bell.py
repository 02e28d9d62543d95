"""The presses of one captured call: told by several carriers, each beeped for once and dated by the line. It refuses to mask."""

from collections.abc import Callable
from typing import Final

from tonevault.cde.media import Carrier
from tonevault.cde.sealed.key import Key
from tonevault.cde.wire.tone.beep import Beeper
from tonevault.cde.wire.tone.press import PressLedger
from tonevault.cde.wire.tone.report import ToneEnded, ToneReport

BEEP_AFTER: Final = 320
"""40 ms: how long after its onset a tone is beeped for, at the least. When a key is certain depends a little on which it is and how loud;
this does not. The ear takes 52 ms at most where it is quiet, and what the agent hears is 20 ms behind the ear."""

BEEP_GRID: Final = 80
"""10 ms: beeps begin at multiples of it, or the last half millisecond of where the ear thinks the onset was would still tell a little."""


class Bell:
    """Rings once a press. Positions count the line's samples."""

    def __init__(self, when: Callable[[int], float], beeper: Beeper) -> None:
        """`when` dates a sample by its index, on the clock that other carriers' presses are dated by."""
        self.beeper = beeper
        self._when = when
        self._ledger = PressLedger()
        self._reports: list[ToneReport] = []

    def heard(self, reports: list[ToneReport]) -> None:
        """The ear tells of tones."""
        self._reports += reports
        for report in reports:
            if isinstance(report, ToneEnded):
                self._ledger.still_down(Carrier.TONE, self._when(report.end))
            elif self._ledger.tell(report.key, Carrier.TONE, self._when(report.onset)):
                self.beeper.ring(-(-(report.onset + BEEP_AFTER) // BEEP_GRID) * BEEP_GRID)

    def told(self, key: Key, carrier: Carrier, at: float) -> bool:
        """Another carrier tells of a press. True if the press is news."""
        news = self._ledger.tell(key, carrier, at)
        if news:
            self.beeper.ring()
        return news

    def still_down(self, carrier: Carrier, until: float) -> None:
        """The key that `carrier` told of last is down at `until`."""
        self._ledger.still_down(carrier, until)

    def take_reports(self) -> list[ToneReport]:
        """What the ear has told since the last call."""
        reports, self._reports = self._reports, []
        return reports
