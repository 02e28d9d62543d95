"""Whether keys pressed in a row are a card number. It refuses to say more of one than its brand, its length and where it lies."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from tonevault.cde.sealed.card_number import MAX_DIGITS, MIN_DIGITS, CardNumber
from tonevault.cde.sealed.entry import Entry
from tonevault.cde.sealed.key import Key
from tonevault.cde.tones.channel_ear import HeardKey
from tonevault.kernel.card import Brand

LONGEST_PAUSE_S: Final = 15.0
"""Between two digits of one number: the time to turn a card or to be asked for the next four."""

LONGEST_RUN: Final = 200
"""Digits looked at together; who keys more in a row keys no card number, and the work per run stays bounded."""


@dataclass(frozen=True, slots=True)
class KeyedCardNumber:
    """A valid card number that was keyed audibly. `whole`: the run of keys is that number and nothing else, which one run of 16 random
    digits in thirty is by chance; else a part of the run passes for one, as one does by chance at every eighth digit of a long run."""

    channel: int
    start_s: float
    end_s: float
    length: int
    brand: Brand
    whole: bool


class RunWatch:
    """Collects the digits of one channel into runs. A key that is no digit and a long pause end a run."""

    def __init__(self) -> None:
        self._run: list[HeardKey] = []

    def take(self, heard: HeardKey) -> list[KeyedCardNumber]:
        """The next press of the channel; what comes back are the card numbers of the run that it ended."""
        found: list[KeyedCardNumber] = []
        if self._run and (
            not heard.key.is_digit
            or heard.start_s - self._run[-1].end_s > LONGEST_PAUSE_S
            or len(self._run) == LONGEST_RUN
        ):
            found = self.finish()
        if heard.key.is_digit:
            self._run.append(heard)
        return found

    def finish(self) -> list[KeyedCardNumber]:
        """No more is keyed: the card numbers of the run."""
        run, self._run = self._run, []
        return card_numbers(run)


def card_numbers(run: Sequence[HeardKey]) -> list[KeyedCardNumber]:
    """The card numbers in a run of digits, from left to right, the longest first, none overlapping another."""
    found: list[KeyedCardNumber] = []
    at = 0
    while at + MIN_DIGITS <= len(run):
        for length in range(min(MAX_DIGITS, len(run) - at), MIN_DIGITS - 1, -1):
            part = run[at : at + length]
            brand = _brand_of([each.key for each in part])
            if brand is not None:
                whole = length == len(run)
                found.append(
                    KeyedCardNumber(part[0].channel, part[0].start_s, part[-1].end_s, length, brand, whole)
                )
                at += length
                break
        else:
            at += 1
    return found


def _brand_of(keys: Sequence[Key]) -> Brand | None:
    """The brand of a valid card number (issuer range, its lengths, Luhn), or None. Nothing of it is kept."""
    entry = Entry()
    for key in keys:
        entry.append(key)
    number = CardNumber.from_entry(entry)
    try:
        issuer = number.issuer
        return issuer.brand if issuer is not None and number.is_valid else None
    finally:
        number.destroy()
