"""Who listens on the agent's leg and wants the key: one who measures energy, and one who knows all but the key. Both are told the onset."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from benchmarks.lines.keyed_once import KeyedOnce, template
from tests.unit.cde.wire.tone.lines import Samples, Wave

MILLISECOND: Final = 8
LEAKED: Final = 1e-3
"""A millisecond is out when a thousandth of its energy is: 30 dB down, a tone of −9 dBm0 is as faint as the noise of a good line."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Milliseconds of the key that came out, and whether the optimal decoder names the key by them."""

    leaked_ms: int
    named: bool


def listen(press: KeyedOnce, output: Samples, delay: int) -> Verdict:
    """`output` is the agent's leg, `delay` samples late, with nothing in the place of what was taken out: no beep, no comfort noise.

    The decoder has the waveforms of all sixteen keys with the press's own level, twist, offsets and phases, knows the onset and which
    samples were let out, and takes the key whose waveform is nearest there by least squares: in white noise nobody can do better (Van
    Trees 1968, section 4.2).
    """
    sent = press.samples[press.onset : press.end].astype(np.float64)
    got = output[press.onset + delay : press.end + delay].astype(np.float64)
    sent = sent[: len(got)]
    before, after = _by_the_millisecond(sent), _by_the_millisecond(got)
    leaked = int(np.sum((after > LEAKED * before) & (before > 0)))
    let_out = got != 0
    if not leaked:
        return Verdict(0, named=False)
    distances = [((got - template(press, event)[: len(got)])[let_out] ** 2).sum() for event in range(16)]
    return Verdict(leaked, named=int(np.argmin(distances)) == press.event)


def _by_the_millisecond(wave: Wave) -> Wave:
    """Energy of each millisecond, the last of which may be shorter."""
    return np.asarray(np.add.reduceat(wave**2, np.arange(0, len(wave), MILLISECOND)))
