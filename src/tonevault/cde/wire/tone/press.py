"""One press, told by several carriers, is one press: the ledger that pairs them. It refuses to guess which carrier is right."""

from collections import deque
from dataclasses import dataclass, field

from tonevault.cde.media import Carrier
from tonevault.cde.sealed.key import Key

PAIRING_WINDOW_S = {Carrier.TONE: 0.5, Carrier.EVENT: 0.5, Carrier.INFO: 2.0}
"""How long after a press was first told this carrier may still tell of the same one. Tone and event begin together, give or take the
ear's 50 ms and a jitter buffer; INFO is often sent at key-up only (RFC 6086 gives no time), behind a signalling round trip."""

LEDGER_LIMIT = 32
"""Presses remembered: two seconds of the fastest legal keying (Q.24: 80 ms a key) are 25."""


@dataclass(slots=True, eq=False)
class _Press:
    """A press that was told: by whom, and when first."""

    key: Key
    first_told: float
    carriers: set[Carrier] = field(default_factory=set)


class PressLedger:
    """Pairs what carriers tell, one to one and in order, so that "44" told twice over is two presses and never four, three or one.

    The count is that of the carrier that told most: a telling pairs with the oldest press of its key that its own carrier has not told
    and that follows everything it has, else it is a press of its own.
    """

    def __init__(self) -> None:
        self._presses: deque[_Press] = deque(maxlen=LEDGER_LIMIT)

    def tell(self, key: Key, carrier: Carrier, now: float) -> bool:
        """A carrier tells, at `now` seconds of any steady clock, that a press began. True if nobody had told of this press before."""
        candidate = None
        for press in self._presses:
            if not press.key.matches(key):
                continue
            if carrier in press.carriers:
                candidate = None
            elif candidate is None and now - press.first_told <= PAIRING_WINDOW_S[carrier]:
                candidate = press
        if candidate is not None:
            candidate.carriers.add(carrier)
            return False
        self._presses.append(_Press(key, now, {carrier}))
        return True
