"""Audio made here, on its way to one leg: cut into packets and encoded. It refuses to swell the hearer's jitter buffer."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tonevault.cde.edge.relay.out_stream import OutStream
from tonevault.cde.media import Codec
from tonevault.cde.wire.g711 import Law, Voice
from tonevault.cde.wire.tone.level import power_of
from tonevault.cde.wire.voice_codec import SAMPLE_RATE_HZ, VoiceEncoder, encoder_for

BURST_FRAMES: Final = 3
"""More frames than this at once (after a pause that was waited out) would only swell the agent's jitter buffer: quiet ones are left out,
and the timestamps tell the pause."""
QUIET: Final = power_of(-34.0)
"""Silence, and comfort noise at its loudest (-35 dBm0), but no beep and no voice."""


@dataclass(frozen=True, slots=True)
class VoiceOut:
    """What a leg takes of audio made here: a codec that is spoken here, and the length of a packet (its ptime)."""

    codec: Codec
    packet_ms: int


class VoiceSender:
    """One stream. Samples go in at 8 kHz, packets come out."""

    def __init__(self, stream: OutStream, voice_out: VoiceOut | None) -> None:
        self._stream = stream
        self._out: VoiceOut | None = None
        self._encoder: VoiceEncoder | None = None
        self._frame = SAMPLE_RATE_HZ // 50
        self.law: Law | None = None
        """The law that octets for `framed` must have, if the leg takes G.711."""
        self._payload_type = 0
        self._ready: NDArray[np.int16] = np.zeros(0, np.int16)
        self._resumes = False
        """The next packet ends a pause."""
        self.retarget(voice_out)

    def retarget(self, voice_out: VoiceOut | None) -> None:
        """The leg takes something else from now on; None: nothing that can be made here."""
        if voice_out == self._out:
            return
        self._out = voice_out
        self._ready = self._ready[:0]
        self._encoder = None if voice_out is None else encoder_for(voice_out.codec)
        self.law = self._encoder.law if isinstance(self._encoder, Voice) else None
        if voice_out is not None and self._encoder is not None:
            packet_ms = voice_out.packet_ms
            self._payload_type = voice_out.codec.payload_type
            if self._encoder.frame_lengths_ms:
                packet_ms = max(one for one in self._encoder.frame_lengths_ms if one <= packet_ms)
            self._frame = packet_ms * SAMPLE_RATE_HZ // 1000

    def is_even(self, count: int) -> bool:
        """Whether `count` samples are one packet, with nothing before them: then they may be given as octets."""
        return count == self._frame and not self._resumes and not len(self._ready)

    def framed(self, octets: bytes, now: float) -> bytes:
        """The packet that is made of octets of `law`. To be asked for before: `is_even`."""
        return self._stream.frame(self._payload_type, octets, len(octets), now)

    def take(self, samples: NDArray[np.int16]) -> None:
        """What is to be sent next. While the leg takes nothing, its stream's clock goes on without packets."""
        if self._encoder is None:
            self._stream.skip(len(samples) * self._stream.clock_rate // SAMPLE_RATE_HZ)
            self._resumes = True
        else:
            self._ready = np.concatenate([self._ready, samples]) if len(self._ready) else samples

    def packets(self, now: float, *, is_last: bool) -> list[bytes]:
        """Whole packets of what is ready; with `is_last` also the rest."""
        out, encoder = self._out, self._encoder
        if out is None or encoder is None:
            return []
        if not len(self._ready):
            return []
        rate = out.codec.clock_rate
        frames = self._cut(is_last=is_last, padded=bool(encoder.frame_lengths_ms))
        spare = len(frames) - BURST_FRAMES
        datagrams = []
        resumed = self._resumes and bool(frames)
        self._resumes = self._resumes and not frames
        for frame in frames:
            units = len(frame) * rate // SAMPLE_RATE_HZ
            payload = encoder.encode(frame)
            if spare > 0 and _power(frame) <= QUIET:
                spare -= 1
                self._stream.skip(units)
                resumed = True
                continue
            datagrams.append(
                self._stream.frame(
                    out.codec.payload_type, payload, units, now, clock_rate=rate, marker=resumed
                )
            )
            resumed = False
        return datagrams

    def _cut(self, *, is_last: bool, padded: bool) -> list[NDArray[np.int16]]:
        whole = len(self._ready) // self._frame * self._frame
        frames = [self._ready[at : at + self._frame] for at in range(0, whole, self._frame)]
        self._ready = self._ready[whole:]
        if is_last and len(self._ready):
            rest = np.zeros(self._frame - len(self._ready) if padded else 0, np.int16)
            frames.append(np.concatenate([self._ready, rest]))
            self._ready = self._ready[:0]
        return frames


def _power(frame: NDArray[np.int16]) -> float:
    samples = frame.astype(np.float32)
    return float(samples @ samples) / len(frame)
