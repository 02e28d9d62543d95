"""Tonevault's ear as a detector under measurement."""

from collections.abc import Sequence

from benchmarks.peers.detector import Samples, Told

from tonevault.cde.sealed.warrant import event_code
from tonevault.cde.wire.tone.detector import ToneDetector
from tonevault.cde.wire.tone.report import ToneStarted


class Own:
    """One ear a call."""

    name = "tonevault"

    def hear(self, samples: Samples, packet: int = 160) -> list[Told]:
        """See Detector."""
        ear = ToneDetector()
        return [
            Told(event_code(report.key), min(at + packet, len(samples)))
            for at in range(0, len(samples), packet)
            for report in ear.push(samples[at : at + packet])
            if isinstance(report, ToneStarted)
        ]

    def count(self, lines: Sequence[Samples]) -> int:
        """See Detector."""
        return sum(len(self.hear(line)) for line in lines)
