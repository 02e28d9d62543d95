"""multimon-ng as a detector under measurement: a program that is piped samples and prints keys, without telling when."""

import shutil
import subprocess
from collections.abc import Sequence

import numpy as np
from benchmarks.peers.detector import UNTIMED, PeerMissingError, Samples, Told

RATE_HZ = 22050
"""The one rate that it takes."""
SILENCE = np.zeros(4000, np.int16)
"""Half a second at the end, to push the last key out."""


class Multimon:
    """One process a call."""

    name = "multimon-ng"

    def __init__(self) -> None:
        for program in ("multimon-ng", "sox"):
            if shutil.which(program) is None:
                raise PeerMissingError(f"{program} is not installed; run scripts/install-bench-peers")

    def hear(self, samples: Samples, packet: int = 160) -> list[Told]:  # noqa: ARG002 - see Detector
        """See Detector."""
        raised = subprocess.run(
            [
                "sox",
                "-V1",
                "-D",
                "-t",
                "s16",
                "-r",
                "8000",
                "-c",
                "1",
                "-",
                "-t",
                "s16",
                "-r",
                str(RATE_HZ),
                "-",
            ],
            input=np.concatenate([samples, SILENCE]).tobytes(),
            capture_output=True,
            check=True,
        ).stdout
        done = subprocess.run(
            ["multimon-ng", "-q", "-c", "-n", "-a", "DTMF", "-t", "raw", "-"],
            input=raised,
            capture_output=True,
            check=True,
        )
        keys = [line[6:7] for line in done.stdout.decode().splitlines() if line.startswith("DTMF: ")]
        return [Told("0123456789*#ABCD".index(key), UNTIMED) for key in keys]

    def count(self, lines: Sequence[Samples]) -> int:
        """See Detector."""
        return sum(len(self.hear(line)) for line in lines)
