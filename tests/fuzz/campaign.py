"""A run of hostile inputs through one target: what was taken, what crashed, what is left; memory is watched after the first fifth."""

import gc
import time
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Final

from tests.fuzz.targets import RelayedCall, RtcpParser, RtpParser, SdpReader, SipParser, SipStream, Target
from tests.fuzz.whole_edge import WholeEdge

SHARES: Final[dict[Callable[[Random], Target], float]] = {
    RtpParser: 0.2,
    RtcpParser: 0.15,
    RelayedCall: 0.15,
    SdpReader: 0.15,
    SipParser: 0.15,
    SipStream: 0.1,
    WholeEdge: 0.1,
}
"""The targets, with their share of the inputs."""
GROWTH_LIMIT_BYTES: Final = 16 * 2**20
"""A leak of a hundred bytes an input would show in a long run; what the allocator keeps is less."""


@dataclass
class Outcome:
    """What came of the inputs to one target. `crashes` counts places of the code by the fault's type."""

    name: str
    seed: int
    inputs: int = 0
    taken: int = 0
    crashes: Counter[str] = field(default_factory=Counter)
    first_crash: dict[str, bytes] = field(default_factory=dict)
    left: dict[str, int] = field(default_factory=dict)
    growth_bytes: int = 0
    seconds: float = 0.0

    @property
    def is_sound(self) -> bool:
        """Whether nothing crashed and nothing was left."""
        return not self.crashes and not any(self.left.values()) and self.growth_bytes < GROWTH_LIMIT_BYTES


def run(kind: Callable[[Random], Target], inputs: int, seed: int) -> Outcome:
    """Feed so many inputs; the same seed feeds the same ones."""
    target = kind(Random(seed))
    outcome = Outcome(target.name, seed)
    began, baseline = time.monotonic(), 0
    for number in range(inputs):
        if number == inputs // 5:
            gc.collect()
            baseline = _resident_bytes()
        data = b""
        try:
            data = target.make()
            outcome.taken += target.feed(data)
        except Exception as error:  # noqa: BLE001 - that is what is looked for
            place = traceback.extract_tb(error.__traceback__)[-1]
            crash = f"{type(error).__name__} at {Path(place.filename).name}:{place.lineno}"
            outcome.crashes[crash] += 1
            outcome.first_crash.setdefault(crash, data)
        outcome.inputs += 1
    outcome.left = target.left()
    gc.collect()
    outcome.growth_bytes = max(0, _resident_bytes() - baseline)
    outcome.seconds = time.monotonic() - began
    return outcome


def _resident_bytes() -> int:
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    return 0
