"""Opus (RFC 6716) to and from 8 kHz samples, by the system's libopus. It refuses to keep sound: a codec's state is overwritten in the end.

libopus (BSD licence, Debian's `libopus0`) resamples by itself: what is decoded at 8 kHz is the lower band of whatever was sent, and stereo
comes as its mean.
"""

import ctypes
from ctypes import c_char_p, c_int, c_int32, c_void_p
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

LIBRARY: Final = "libopus.so.0"
_SAMPLE_RATE_HZ: Final = 8000
_LONGEST_SAMPLES: Final = 960
"""RFC 6716 section 3.4: a packet holds 120 ms at most."""
_LARGEST_PAYLOAD: Final = 1275
"""RFC 6716 section 3.4: a frame's octets at most."""
_VOIP: Final = 2048
"""OPUS_APPLICATION_VOIP."""
_SET_BITRATE, _SET_INBAND_FEC, _SET_PACKET_LOSS_PERC = 4002, 4012, 4014
"""Requests of opus_defines.h."""
_SETTINGS: Final = ((_SET_BITRATE, 24_000), (_SET_INBAND_FEC, 1), (_SET_PACKET_LOSS_PERC, 5))
"""RFC 7587 section 3.1.1 advises 8 to 12 kbit/s for narrow-band speech; twice that keeps a beep a beep and leaves room for packets that
repeat the one before, which the encoder makes when it is told of losses."""


@cache
def _library() -> ctypes.CDLL | None:
    try:
        library = ctypes.CDLL(LIBRARY)
    except OSError:  # Not installed: such a leg is hushed in a capture, and says so.
        return None
    library.opus_decoder_get_size.argtypes = [c_int]
    library.opus_decoder_init.argtypes = [c_void_p, c_int32, c_int]
    library.opus_packet_get_nb_samples.argtypes = [c_char_p, c_int32, c_int32]
    library.opus_decode.argtypes = [c_void_p, c_char_p, c_int32, c_void_p, c_int, c_int]
    library.opus_encoder_get_size.argtypes = [c_int]
    library.opus_encoder_init.argtypes = [c_void_p, c_int32, c_int, c_int]
    library.opus_encode.argtypes = [c_void_p, c_void_p, c_int, c_void_p, c_int32]
    library.opus_encode.restype = c_int32
    return library


def is_there() -> bool:
    """Whether the library is installed."""
    return _library() is not None


def decoder() -> "Decoder | None":
    """A decoder of one stream."""
    library = _library()
    return None if library is None else Decoder(library)


def encoder() -> "Encoder | None":
    """An encoder of one stream."""
    library = _library()
    return None if library is None else Encoder(library)


class _State:
    """The memory of one codec, ours so that it can be overwritten: what was decoded last is still in it."""

    def __init__(self, octets: int) -> None:
        self._octets = octets
        self.memory = ctypes.create_string_buffer(octets)

    def __del__(self) -> None:
        ctypes.memset(self.memory, 0, self._octets)


class Decoder:
    """Predictive: payloads must come in their order."""

    settling = 320
    """40 ms: two frames of 20 ms, of which the first lacks what it is predicted from."""

    def __init__(self, library: ctypes.CDLL) -> None:
        self._library = library
        self._state = _State(library.opus_decoder_get_size(1))
        library.opus_decoder_init(self._state.memory, _SAMPLE_RATE_HZ, 1)

    def length(self, payload: bytes) -> int:
        """By the table of contents of the packet (RFC 6716 section 3.1); 0 if it is damaged."""
        samples = self._library.opus_packet_get_nb_samples(payload, len(payload), _SAMPLE_RATE_HZ)
        return int(samples) if 0 < samples <= _LONGEST_SAMPLES else 0

    def decode(self, payload: bytes) -> NDArray[np.int16]:
        """The lower 4 kHz, both channels as one; silence in the length of a packet that is damaged behind its first octet."""
        return self._decoded(payload, self.length(payload), repeated=False)

    def repeated(self, payload: bytes) -> NDArray[np.int16]:
        """The last frame of the packet before, where the sender repeats it in case it was lost (RFC 6716 section 2.1.7)."""
        return self._decoded(payload, self.length(payload) if _repeats(payload) else 0, repeated=True)

    def _decoded(self, payload: bytes, length: int, *, repeated: bool) -> NDArray[np.int16]:
        samples = np.zeros(length, np.int16)
        if length:
            decoded = self._library.opus_decode(
                self._state.memory,
                payload,
                len(payload),
                samples.ctypes.data_as(c_void_p),
                length,
                int(repeated),
            )
            if decoded < 0:
                samples[:] = 0
        return samples


def _repeats(payload: bytes) -> bool:
    """Whether a packet of one frame of at most 20 ms repeats the one before: the second bit of its SILK layer (RFC 6716 section 4.2.3).

    Longer packets are not looked into: what they repeat is a part of the loss, somewhere in it.
    """
    if len(payload) < 2:
        return False
    configuration, frames = payload[0] >> 3, payload[0] & 3
    has_silk = configuration < 16 and (configuration >= 12 or configuration % 4 < 2)
    return has_silk and frames == 0 and bool(payload[1] & 0x40)


class Encoder:
    """Predictive: samples must come in their order."""

    frame_lengths_ms: tuple[int, ...] = (10, 20, 40, 60)
    """RFC 6716 section 2.1.4, without the shortest."""

    def __init__(self, library: ctypes.CDLL) -> None:
        self._library = library
        self._state = _State(library.opus_encoder_get_size(1))
        library.opus_encoder_init(self._state.memory, _SAMPLE_RATE_HZ, 1, _VOIP)
        for request, value in _SETTINGS:
            library.opus_encoder_ctl(self._state.memory, request, c_int32(value))

    def encode(self, samples: NDArray[np.int16]) -> bytes:
        """One packet of one of `frame_lengths_ms`. Raises ValueError for another length."""
        held = np.ascontiguousarray(samples)
        payload = (ctypes.c_char * _LARGEST_PAYLOAD)()
        count = self._library.opus_encode(
            self._state.memory, held.ctypes.data_as(c_void_p), len(held), payload, _LARGEST_PAYLOAD
        )
        if count < 0:
            raise ValueError("opus: a packet holds 10, 20, 40 or 60 ms")
        return payload.raw[:count]
