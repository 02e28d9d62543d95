"""Whose packets a leg's are: RFC 3550 appendix A.1, and stricter. It refuses to follow a single packet anywhere."""

from typing import Final

from tonevault.cde.wire.rtp import sequence_step

DROPOUT: Final = 3000
MISORDER: Final = 100
"""RFC 3550 appendix A.1: sequence numbers further ahead, or further behind, than this are a restart and not loss or reordering."""
NEXT: Final = 3
"""A second packet so close behind the first confirms it: RFC 3550 wants the very next, but two of them may be lost just there."""


def leaps(sequence: int, newest: int) -> bool:
    """Whether a packet's number is no neighbour of the newest one's."""
    return not -MISORDER <= sequence_step(sequence, newest) <= DROPOUT


class SourceWatch:
    """A new SSRC on a leg that has one, or a leap of its numbers, is believed when two packets in a row tell of it, with none of the source
    that speaks between them. So a forged packet, or old ones that are played back beside the stream, change nothing; a phone that begins
    anew loses one packet."""

    __slots__ = ("_beside", "_sequence", "_ssrc")

    def __init__(self) -> None:
        self._ssrc: int | None = None
        self._sequence = 0
        self._beside = 0

    def confirms(self, ssrc: int, sequence: int, newest: int) -> bool:
        """Whether this packet follows on the one asked about last. `newest` is the number of the present source's newest packet."""
        in_a_row = self._ssrc == ssrc and self._beside == newest
        follows = in_a_row and 1 <= sequence_step(sequence, self._sequence) <= NEXT
        self._ssrc, self._sequence, self._beside = None if follows else ssrc, sequence, newest
        return follows
