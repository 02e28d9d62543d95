"""What one carrier told of one press, and between which two moments that press began. It refuses to say which carrier is right."""

from dataclasses import dataclass
from typing import Final

from tonevault.cde.media import Carrier
from tonevault.cde.sealed.key import Key

MEDIA_LATE_S: Final = 0.25
"""An event or tone is dated by the packet that began it: a jitter buffer of a gateway (100 to 200 ms) and the 50 ms that a sender may
wait before it starts the event (RFC 4733 section 2.5.1.1) make that late; nothing makes it early."""
INFO_LATE_S: Final = 1.5
"""SIP INFO is dated by its arrival less the duration that it names. Signalling has hops and retransmission (RFC 3261 T1 is 500 ms, so one
lost packet costs as much), and some senders wait for key-up without naming how long the key was held."""
REPORT_DELAY_S: Final = 0.3
"""From what is dated to our hearing of it: the ear is sure of a tone after 50 ms, and worker and event loop take their turns."""

LONGEST_HOLD_S: Final = 30.0
"""A key that no relay says is up counts as down for so long. Relays always say it, unless they die, and their calls with them."""

LATE_S: Final = {Carrier.EVENT: MEDIA_LATE_S, Carrier.TONE: MEDIA_LATE_S, Carrier.INFO: INFO_LATE_S}
"""The most by which a told onset is later than the true one."""


@dataclass(frozen=True, slots=True, eq=False)
class Telling:
    """A carrier's account of a press: `onset` as it dates it and `told_at` when we heard of it, in seconds of CLOCK_MONOTONIC.

    Of an event or tone `down_until` is when the key was let go, as far as that is told; infinity stands for not yet. Of an INFO
    `held_since` is when a key went down that it may tell of at its release, however long that was held.
    """

    key: Key
    carrier: Carrier
    onset: float
    told_at: float
    down_until: float = float("inf")
    held_since: float = float("inf")

    @property
    def over_at(self) -> float:
        """When the press was told and its key let go: an INFO that is sent at the release comes from here on."""
        if self.carrier is Carrier.INFO:
            return self.told_at
        return max(self.told_at, min(self.down_until, self.onset + LONGEST_HOLD_S))

    @property
    def earliest(self) -> float:
        """The press did not begin before this."""
        return min(self.onset - LATE_S[self.carrier], self.held_since)

    @property
    def latest(self) -> float:
        """The press did not begin after this. The duration in an INFO may be a fixed word, so only its arrival counts."""
        return self.told_at if self.carrier is Carrier.INFO else self.onset


@dataclass(frozen=True, slots=True, eq=False)
class Press:
    """One press of one key, as the carriers that told of it have it between them."""

    tellings: tuple[Telling, ...]

    @property
    def key(self) -> Key:
        """Which key; all tellings agree."""
        return self.tellings[0].key

    @property
    def carriers(self) -> frozenset[Carrier]:
        """Who told of it."""
        return frozenset(each.carrier for each in self.tellings)

    @property
    def onset(self) -> float:
        """The earliest onset that was told."""
        return min(each.onset for each in self.tellings)

    @property
    def latest(self) -> float:
        """The press did not begin after this."""
        return min(each.latest for each in self.tellings)

    def began_since(self, moment: float) -> bool:
        """Whether it belongs to a window that opened at `moment`: it was not known before, and none of the media dates it before."""
        return all(each.told_at >= moment for each in self.tellings) and self.latest >= moment
