"""Seeded misfortune for chaos runs: which requests are lost, which answers, and which come late. The same seed, the same fate."""

import hashlib
from dataclasses import dataclass, replace
from typing import Final

from tonevault.testing.gateways.behaviour import Behaviour, Step

_SCALE: Final = float(1 << 64)


@dataclass(frozen=True, slots=True)
class Weather:
    """Shares of 0 to 1. Each request draws its fate from the seed, its step, its reference and how often it was tried."""

    seed: int = 0
    lost_requests: float = 0.0
    lost_answers: float = 0.0
    late_answers: float = 0.0
    late_s: float = 1.0
    declines: float = 0.0
    """Of authorisations; the decline code is the wire format's plainest."""
    look_up_lag_s: float = 0.0
    """Every deed is invisible to look-ups for so long."""

    def befall(self, behaviour: Behaviour, step: Step, reference: str, trial: int) -> Behaviour:
        """The behaviour as the weather leaves it. What a card or script asks for stands."""
        if behaviour.look_up_lag_s == 0:
            behaviour = replace(behaviour, look_up_lag_s=self.look_up_lag_s)
        draw = self._draw("fate", step, reference, trial)
        if draw < self.lost_requests:
            return replace(behaviour, arrives=False)
        draw -= self.lost_requests
        if draw < self.lost_answers:
            return replace(behaviour, answers=False)
        draw -= self.lost_answers
        if draw < self.late_answers:
            return replace(behaviour, delay_s=max(behaviour.delay_s, self.late_s))
        return behaviour

    def declined(self, reference: str) -> bool:
        """Whether the issuer would decline this payment, however often it is asked."""
        return self._draw("issuer", Step.AUTHORISE, reference, 0) < self.declines

    def _draw(self, what: str, step: Step, reference: str, trial: int) -> float:
        text = f"{self.seed}|{what}|{step}|{reference}|{trial}".encode()
        return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "big") / _SCALE


CALM: Final = Weather()
