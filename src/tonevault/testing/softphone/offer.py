"""The phone's session descriptions: what it offers and answers (G.711, telephone-event, SRTP), and how it reads the other side's."""

from typing import Final

from tonevault.cde.media import Direction
from tonevault.cde.wire.sdp.crypto import CryptoLine, written
from tonevault.cde.wire.sdp.parse import parse
from tonevault.cde.wire.sdp.profile import Profile
from tonevault.cde.wire.sdp.stream import AudioStream, Judge, audio_stream
from tonevault.testing.softphone.line import LAWS, FarEnd

EVENT_TYPE: Final = 101
"""The payload type that most phones give telephone-event."""


class NoCommonCodecError(Exception):
    """The other side speaks neither of the G.711 laws."""


def describe(
    host: str,
    port: int,
    *,
    events: bool,
    version: int,
    direction: Direction = Direction.SENDRECV,
    law_type: int | None = None,
    keys: tuple[CryptoLine, ...] = (),
) -> bytes:
    """A description for an audio stream received at `host:port`; `law_type` narrows it to one law, as an answer does. With `keys` it is
    SRTP."""
    profile = Profile.SAVP if keys else Profile.AVP
    types = [law_type] if law_type is not None else [0, 8]
    names = {0: "PCMU/8000", 8: "PCMA/8000"}
    network = f"IN IP6 {host}" if ":" in host else f"IN IP4 {host}"
    lines = [
        "v=0",
        f"o=phone 1 {version} {network}",
        "s=-",
        f"c={network}",
        "t=0 0",
        f"m=audio {port} {profile.value} {' '.join(map(str, types + ([EVENT_TYPE] if events else [])))}",
        *(f"a=rtpmap:{each} {names[each]}" for each in types),
        *([f"a=rtpmap:{EVENT_TYPE} telephone-event/8000", f"a=fmtp:{EVENT_TYPE} 0-15"] if events else []),
        *(f"a={written(key).value}" for key in keys),
        # Reports come to where the audio does, and not to the next port, which may be another call's.
        f"a=rtcp:{port}",
        "a=ptime:20",
        f"a={direction.value}",
    ]
    return "".join(f"{line}\r\n" for line in lines).encode("ascii")


def read(body: bytes, judge: Judge) -> AudioStream:
    """The audio stream that the other side describes; `judge` says which of its keys is taken. Raises SdpError."""
    return audio_stream(parse(body), judge=judge)


def far_end(stream: AudioStream, *, events: bool) -> FarEnd:
    """Where and how to send to the other side. Raises NoCommonCodecError."""
    law = next((codec.payload_type for codec in stream.voice if codec.payload_type in LAWS), None)
    if law is None:
        raise NoCommonCodecError("the other side offers neither PCMU nor PCMA")
    event = next((codec.payload_type for codec in stream.events if codec.clock_rate == 8000), None)
    return FarEnd(stream.remote.host, stream.remote.port, law, event if events else None)
