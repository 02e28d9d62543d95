"""Captured voice of many calls on its way through the mask together, which costs each a fraction of what it costs alone. It refuses to let
one call's sound overtake another sound of the same call."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from tonevault.cde.edge.relay.masked_flow import MaskedFlow
from tonevault.cde.wire.tone.masking_bank import MaskingBank

LINES: Final = 256
"""Captures of one bank: a pass is over one bank, so the larger it is, the more go together. It costs some 6 kB for each, used or not."""


class MaskBanks:
    """As many banks as captures need. An emptied one is kept for the next capture."""

    def __init__(self) -> None:
        self._banks: list[MaskingBank] = []

    def with_room(self) -> MaskingBank:
        """A bank that takes another line."""
        for bank in self._banks:
            if bank.room:
                return bank
        self._banks.append(MaskingBank(LINES))
        return self._banks[-1]


def mask_together(flows: Sequence[MaskedFlow]) -> None:
    """Mask all that waits in these flows: one sound of each at a time, those of one bank and one length in one pass."""
    while flows:
        groups: dict[tuple[int, int], list[MaskedFlow]] = {}
        for flow in flows:
            length = flow.waiting_samples
            if length:
                groups.setdefault((id(flow.bank), length), []).append(flow)
        for group in groups.values():
            _mask(group)
        flows = [flow for flow in flows if flow.is_waiting]


def _mask(flows: list[MaskedFlow]) -> None:
    sounds = [flow.next_sound() for flow in flows]
    samples = np.array([sound.samples for sound in sounds])
    masked = flows[0].bank.push([flow.place for flow in flows], samples)
    for flow, sound, output in zip(flows, sounds, masked, strict=True):
        flow.take_masked(sound, output)
