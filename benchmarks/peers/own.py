"""Tonevault's ear as a detector under measurement."""

from collections.abc import Sequence

import numpy as np
from benchmarks.peers.detector import Samples, Told

from tonevault.cde.sealed.warrant import event_code
from tonevault.cde.wire.tone.detector import ToneDetector
from tonevault.cde.wire.tone.ear_bank import EarBank
from tonevault.cde.wire.tone.report import ToneStarted


class Own:
    """One ear a call, or a bank of them for many lines."""

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
        if not lines:
            return 0
        longest = -(-max(len(line) for line in lines) // 160) * 160
        padded = np.zeros((len(lines), longest), np.int16)
        for row, line in zip(padded, lines, strict=True):
            row[: len(line)] = line
        bank, calls = EarBank(len(lines)), np.arange(len(lines))
        return sum(
            isinstance(report, ToneStarted)
            for at in range(0, longest, 160)
            for reports in bank.hear(calls, padded[:, at : at + 160]).reports.values()
            for report in reports
        )
