"""Randomness from the operating system, drawn in blocks, in the shapes that other code takes as an argument."""

import os
import threading
from typing import Final

from tonevault.kernel.ids import Entropy

BLOCK: Final = 4096
"""Bytes drawn from the kernel's generator at once, for about a hundred cards: each drawing lets other threads go first."""


class SystemEntropy:
    """Bytes of the kernel's generator, each handed out once and erased here when it is. A forked child begins anew."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._block = bytearray()
        self._view = memoryview(self._block)
        self._at = 0
        os.register_at_fork(after_in_child=self._forget)

    def take(self, count: int) -> bytes:
        """`count` random bytes."""
        if count > BLOCK:
            return os.urandom(count)
        with self._lock:
            begin, end = self._at, self._at + count
            if end > len(self._block):
                self._block, begin, end = bytearray(os.urandom(BLOCK)), 0, count
                self._view = memoryview(self._block)
            self._at = end
            taken = self._view[begin:end].tobytes()
            self._view[begin:end] = bytes(count)
            return taken

    def below(self, limit: int) -> int:
        """A uniform integer from 0 to `limit` - 1."""
        bits = (limit - 1).bit_length()
        count, spare = (bits + 7) // 8, -bits % 8
        while True:
            number = int.from_bytes(self.take(count), "big") >> spare
            if number < limit:
                return number

    def _forget(self) -> None:
        self._lock = threading.Lock()
        self._block, self._at = bytearray(), 0
        self._view = memoryview(self._block)


_SYSTEM: Final = SystemEntropy()

SYSTEM_ENTROPY: Entropy = _SYSTEM.below
"""Uniform integers below the argument, from the kernel's generator."""


def random_bytes(count: int) -> bytes:
    """Bytes of the kernel's generator, for keys and nonces."""
    return _SYSTEM.take(count)
