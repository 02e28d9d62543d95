"""Finds canaries in a blob of bytes, in every encoding they could take. A finding tells place and encoding, and repeats no digit.

Quick enough for the memory of processes: numpy picks the few places at which anything can stand, and only those are looked at closely.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tests.boundary.canary.cards import CANARIES, Canary
from tests.boundary.canary.digit_text import REACH, DigitText
from tests.boundary.canary.needles import POINTER_STRIDES, RUN, STRIDES, needles, pointer_steps

CHUNK: Final = 1 << 22
OVERLAP: Final = 1 << 9
"""Longer than any needle, so that what lies across two chunks is whole in one of them."""
SPAN: Final = 40
"""Seven digits with separators lie within so many bytes, or in longer text of which the escapes' own digits count too."""
WORD: Final = 8
LONGEST_STEP: Final = 9 * max(POINTER_STRIDES) + 1
"""Between the objects of 0 and 9, and one more, which stands for all that is longer."""

Bytes = NDArray[np.uint8]
Words = NDArray[np.uint64]


@dataclass(frozen=True, slots=True)
class Finding:
    """Where something of a canary was found."""

    where: str
    canary: str
    encoding: str
    offset: int


class _Sieve:
    """Needles whose digits stand `stride` bytes apart. What has not the first four digits of one, two by two, is passed over."""

    def __init__(self, known: dict[bytes, tuple[str, str]], stride: int) -> None:
        self._known = known
        self._stride = stride
        self._lengths = sorted({len(each) for each in known})
        heads = [each[: 3 * stride + 1 : stride] for each in known]
        self._heads = np.unique(np.array([int.from_bytes(each, "little") for each in heads], np.uint32))
        self._pairs = np.zeros(1 << 16, np.bool_)
        self._pairs[self._heads & 0xFFFF] = True

    def find(self, chunk: bytes, array: Bytes) -> Iterator[tuple[str, str, int]]:
        """Each needle in the chunk as canary, encoding and offset."""
        stride = self._stride
        if len(array) <= 3 * stride:
            return
        pairs = array[:-stride].astype(np.uint16)
        pairs |= array[stride:].astype(np.uint16) << 8
        places = np.flatnonzero(self._pairs[pairs[: -2 * stride]])
        heads = pairs[places].astype(np.uint32) | (pairs[places + 2 * stride].astype(np.uint32) << 16)
        for place in places[np.isin(heads, self._heads)].tolist():
            for length in self._lengths:
                known = self._known.get(chunk[place : place + length])
                if known is not None:
                    yield (*known, place)


class Search:
    """A search for a set of canaries, prepared once and run over many blobs."""

    def __init__(self, canaries: tuple[Canary, ...] = CANARIES) -> None:
        self._text = DigitText(canaries)
        exact = [(canary.name, needle) for canary in canaries for needle in needles(canary)]
        self._exact = [
            _Sieve(
                {each.content: (name, each.encoding) for name, each in exact if each.stride == stride}, stride
            )
            for stride in STRIDES
        ]
        self._steps: dict[tuple[int, ...], str] = {}
        for canary in canaries:
            self._steps |= dict.fromkeys(pointer_steps(canary), canary.name)
        self._step_pairs = np.zeros((2 * LONGEST_STEP + 1, 2 * LONGEST_STEP + 1), np.bool_)
        for first, second, *_ in self._steps:
            self._step_pairs[first + LONGEST_STEP, second + LONGEST_STEP] = True

    def run(self, where: str, blob: bytes) -> list[Finding]:
        """Every finding in one blob."""
        found: dict[Finding, None] = {}
        for start in range(0, max(1, len(blob)), CHUNK):
            chunk = blob[start : start + CHUNK + OVERLAP]
            if chunk.count(0) == len(chunk):
                continue
            for name, encoding, offset in self._in_chunk(chunk):
                found[Finding(where, name, encoding, start + offset)] = None
        return list(found)

    def _in_chunk(self, chunk: bytes) -> Iterator[tuple[str, str, int]]:
        array = np.frombuffer(chunk, np.uint8)
        for sieve in self._exact:
            yield from sieve.find(chunk, array)
        yield from self._pointers(chunk)
        for begin, end in _digit_rich(array):
            for name, encoding, offset in self._text.find(chunk[begin:end]):
                yield name, encoding, begin + offset

    def _pointers(self, chunk: bytes) -> Iterator[tuple[str, str, int]]:
        """Rows of pointers to the interpreter's own small numbers or characters: a list of digits in a Python process."""
        words = np.frombuffer(chunk[: len(chunk) // WORD * WORD], np.int64)
        if len(words) < RUN:
            return
        steps = np.diff(words)
        index = np.clip(steps, -LONGEST_STEP, LONGEST_STEP) + LONGEST_STEP
        places = np.flatnonzero(self._step_pairs[index[:-1], index[1:]])
        for place in places.tolist():
            name = self._steps.get(tuple(steps[place : place + RUN - 1].tolist()))
            # Pointers, not small numbers that happen to step alike.
            if name is not None and words[place] > 1 << 16:
                yield name, "list of Python objects", place * WORD


def _digit_rich(array: Bytes) -> Iterator[tuple[int, int]]:
    """Stretches in which seven digits stand close together."""
    digits = (array >= ord("0")) & (array <= ord("9"))
    counts = np.concatenate([[0], np.cumsum(digits, dtype=np.int32)])
    span = min(SPAN, len(array))
    rich = np.flatnonzero(counts[span:] - counts[:-span] >= RUN)
    if not len(rich):
        return
    breaks = np.flatnonzero(np.diff(rich) > 2 * REACH)
    for first, last in zip(
        rich[np.concatenate([[0], breaks + 1])], rich[np.concatenate([breaks, [-1]])], strict=True
    ):
        yield max(0, int(first) - REACH), min(len(array), int(last) + span + REACH)


def standalone(code: str, text: str) -> list[int]:
    """Where a security code stands as a word of its own: three digits inside a longer number say nothing."""
    return [match.start() for match in re.finditer(rf"(?<![0-9A-Za-z.:_-]){code}(?![0-9A-Za-z.:_-])", text)]
