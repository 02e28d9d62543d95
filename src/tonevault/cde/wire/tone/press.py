"""One press, told by several carriers, is one press: the ledger that pairs them. It refuses to guess which carrier is right."""

from collections import deque
from dataclasses import dataclass

from tonevault.cde.media import Carrier
from tonevault.cde.sealed.key import Key

PAIRING_WINDOW_S = {Carrier.TONE: 0.5, Carrier.EVENT: 0.5, Carrier.INFO: 2.0}
"""How far from a press as it was first told this carrier may date the same one. Tone and event begin together, give or take a jitter
buffer; INFO is often sent at key-up only (RFC 6086 gives no time), behind a signalling round trip: it counts from the key's release."""

LONGEST_HOLD_S = 30.0
"""A tone counts as held for so long until its end is told, which the ear always does."""

LEDGER_LIMIT = 32
"""Presses remembered: two seconds of the fastest legal keying (Q.24: 80 ms a key) are 25."""


@dataclass(slots=True, eq=False)
class _Press:
    """A press that was told: by whom, and when first."""

    key: Key
    first_told: float
    carriers: dict[Carrier, float]
    """Who told of it, and how they date it."""
    down_until: float
    """When it was last known to be down."""

    def may_be(self, carrier: Carrier, at: float) -> bool:
        """Whether the carrier can mean this press by one that it dates so."""
        if carrier is Carrier.INFO:
            return at - max(self.first_told, self.down_until) <= PAIRING_WINDOW_S[carrier]
        early = PAIRING_WINDOW_S[Carrier.INFO if Carrier.INFO in self.carriers else carrier]
        return -early <= at - self.first_told <= PAIRING_WINDOW_S[carrier]


class PressLedger:
    """Pairs what carriers tell, one to one and in order, so that "44" told twice over is two presses and never four, three or one.

    The count is that of the carrier that told most: a telling pairs with the oldest press of its key that its own carrier has not told
    and that follows everything it has, else it is a press of its own.
    """

    def __init__(self) -> None:
        self._presses: deque[_Press] = deque(maxlen=LEDGER_LIMIT)

    def tell(self, key: Key, carrier: Carrier, at: float) -> bool:
        """A carrier tells that a press began, INFO that one was, at `at` seconds of any steady clock. True if nobody had told of this press
        before."""
        down_until = at + LONGEST_HOLD_S if carrier is Carrier.TONE else at
        candidate = None
        for press in self._presses:
            if not press.key.matches(key):
                continue
            if carrier in press.carriers:
                if carrier is Carrier.TONE and press.carriers[carrier] == at:
                    return False  # The network parted the tone; whoever dates it knows it for the same.
                candidate = None
            elif candidate is None and press.may_be(carrier, at):
                candidate = press
        if candidate is not None:
            candidate.carriers[carrier] = at
            candidate.down_until = max(candidate.down_until, down_until)
            return False
        self._presses.append(_Press(key, at, {carrier: at}, down_until))
        return True

    def still_down(self, carrier: Carrier, until: float) -> None:
        """The key that this carrier told of last is down at `until`; of a tone, is so no longer."""
        for press in reversed(self._presses):
            if carrier in press.carriers:
                press.down_until = until if carrier is Carrier.TONE else max(press.down_until, until)
                return
