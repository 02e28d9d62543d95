"""spandsp (Debian's libspandsp2) by ctypes: its keypad receiver, and its G.726 codec for lines that pass through one."""

import ctypes
from collections.abc import Sequence
from typing import Final

import numpy as np
from benchmarks.peers.detector import PeerMissingError, Samples, Told

_CHARACTERS: Final = b"0123456789*#ABCD"
_LINEAR: Final = 0
"""G726_ENCODING_LINEAR."""
_UNPACKED: Final = 0
"""G726_PACKING_NONE: one code an octet."""


def _library() -> ctypes.CDLL:
    try:
        library = ctypes.CDLL("libspandsp.so.2")
    except OSError:
        raise PeerMissingError("libspandsp2 is not installed; run scripts/install-bench-peers") from None
    library.dtmf_rx_init.restype = library.g726_init.restype = ctypes.c_void_p
    library.dtmf_rx_init.argtypes = [ctypes.c_void_p] * 3
    library.dtmf_rx.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int]
    library.dtmf_rx_get.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int]
    library.dtmf_rx_get.restype = ctypes.c_size_t
    library.dtmf_rx_parms.argtypes = [ctypes.c_void_p] + [ctypes.c_int] * 4
    library.dtmf_rx_free.argtypes = library.g726_free.argtypes = [ctypes.c_void_p]
    library.g726_init.argtypes = [ctypes.c_void_p] + [ctypes.c_int] * 3
    for turn in (library.g726_encode, library.g726_decode):
        turn.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int]
    return library


class Spandsp:
    """`dtmf_rx` as it comes, or with its twist limits widened to 8 (column louder) and 8 dB, and its dial-tone filter on."""

    def __init__(self, *, widened: bool = False) -> None:
        self.name = "spandsp wide" if widened else "spandsp"
        self._widened = widened
        self._library = _library()

    def hear(self, samples: Samples, packet: int = 160) -> list[Told]:
        """See Detector."""
        library = self._library
        receiver = library.dtmf_rx_init(None, None, None)
        if self._widened:
            library.dtmf_rx_parms(receiver, 1, 8, 8, -100)
        line = np.ascontiguousarray(samples, np.int16)
        keys = ctypes.create_string_buffer(129)
        told = []
        for at in range(0, len(line), packet):
            count = min(packet, len(line) - at)
            library.dtmf_rx(receiver, line.ctypes.data + 2 * at, count)
            got = library.dtmf_rx_get(receiver, keys, 128)
            told += [Told(_CHARACTERS.index(key), at + count) for key in keys.raw[:got]]
        library.dtmf_rx_free(receiver)
        return told

    def count(self, lines: Sequence[Samples]) -> int:
        """See Detector."""
        return sum(len(self.hear(line, packet=8000)) for line in lines)


class G726:
    """G.726 at 32 kbit/s there and back."""

    def __init__(self) -> None:
        self._library = _library()

    def through(self, samples: Samples) -> Samples:
        """What the far end hears."""
        library = self._library
        line = np.ascontiguousarray(samples, np.int16)
        codes, out = np.zeros(len(line), np.uint8), np.zeros(len(line), np.int16)
        for turn, source, target in ((library.g726_encode, line, codes), (library.g726_decode, codes, out)):
            codec = library.g726_init(None, 32000, _LINEAR, _UNPACKED)
            turn(codec, target.ctypes.data, source.ctypes.data, len(line))
            library.g726_free(codec)
        return out
