"""The base intervals of RFC 3261 section 17.1.1.1, from which all timers follow."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Timings:
    """All in seconds. T1: round-trip estimate; T2: longest retransmission interval; T4: longest life of a message in the network."""

    t1_s: float = 0.5
    t2_s: float = 4.0
    t4_s: float = 5.0

    @property
    def timeout_s(self) -> float:
        """64*T1: timers B, F, H, J, L and M."""
        return 64 * self.t1_s
