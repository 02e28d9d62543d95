"""Voice codecs between payloads and linear samples: which of them the edge speaks. It refuses to guess at a codec it has no library for."""

from collections.abc import Callable
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from tonevault.cde.media import Codec
from tonevault.cde.wire import g711, g722, opus

SAMPLE_RATE_HZ: Final = 8000
"""Of all samples here, whatever the codec: keypad tones and the ear live below 4 kHz, and a telephone line is no wider."""


class VoiceDecoder(Protocol):
    """Payloads of one stream, in order, as linear 16-bit samples."""

    settling: int
    """Samples until it sounds right, if it begins in mid-stream."""

    def length(self, payload: bytes) -> int:
        """How many samples a payload holds, without decoding it; 0 if it is none of this codec's."""

    def decode(self, payload: bytes) -> NDArray[np.int16]:
        """The samples of a payload, as many as `length` says."""

    def repeated(self, payload: bytes) -> NDArray[np.int16]:
        """The end of the packet before this one, which was lost, as far as this one repeats it; call it before `decode`."""


class VoiceEncoder(Protocol):
    """Linear 16-bit samples of one stream, in order, as payloads."""

    frame_lengths_ms: tuple[int, ...]
    """The packets that the codec can fill; empty if any length will do."""

    def encode(self, samples: NDArray[np.int16]) -> bytes:
        """The payload of one packet."""


_Coding = tuple[str, int]
"""Encoding name and RTP clock rate, which two codecs here have in fame against the truth: RFC 3551 section 4.5.2 gives G.722, which samples
at 16 kHz, a clock of 8000; RFC 7587 section 4.1 gives Opus one of 48000 at any rate."""
_PCMU, _PCMA, _G722, _OPUS = ("PCMU", 8000), ("PCMA", 8000), ("G722", 8000), ("OPUS", 48000)

_DECODERS: Final[dict[_Coding, Callable[[], VoiceDecoder | None]]] = {
    _PCMU: lambda: g711.Voice(g711.Law.ULAW),
    _PCMA: lambda: g711.Voice(g711.Law.ALAW),
    _G722: g722.decoder,
    _OPUS: opus.decoder,
}
_ENCODERS: Final[dict[_Coding, Callable[[], VoiceEncoder | None]]] = {
    _PCMU: lambda: g711.Voice(g711.Law.ULAW),
    _PCMA: lambda: g711.Voice(g711.Law.ALAW),
    _G722: g722.encoder,
    _OPUS: opus.encoder,
}
_STEREO: Final = frozenset({_OPUS})
"""RFC 7587 section 7: Opus is always `opus/48000/2`, whatever is sent."""


def _coding(codec: Codec) -> _Coding | None:
    coding = (codec.name.upper(), codec.clock_rate)
    return coding if codec.channels == (2 if coding in _STEREO else 1) else None


def decoder_for(codec: Codec) -> VoiceDecoder | None:
    """A decoder for one stream; None for a codec that the edge does not speak, or whose library is not installed."""
    coding = _coding(codec)
    return _DECODERS[coding]() if coding in _DECODERS else None


def encoder_for(codec: Codec) -> VoiceEncoder | None:
    """An encoder for one stream; None as for `decoder_for`."""
    coding = _coding(codec)
    return _ENCODERS[coding]() if coding in _ENCODERS else None


def is_spoken(codec: Codec) -> bool:
    """Whether the edge can decode a codec and encode it."""
    coding = _coding(codec)
    if coding == _G722:
        return g722.is_there()
    return opus.is_there() if coding == _OPUS else coding in _DECODERS
