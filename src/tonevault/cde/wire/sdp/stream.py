"""The audio stream of a description, understood: where it is received, its codecs, its direction. Refuses what cannot be relayed."""

from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final

from tonevault.cde.media import Codec, Direction, MediaAddress
from tonevault.cde.wire.sdp.crypto import CryptoLine, crypto_lines
from tonevault.cde.wire.sdp.direction import direction_from, direction_of, sends
from tonevault.cde.wire.sdp.errors import UnacceptableSdpError, WarningCode
from tonevault.cde.wire.sdp.model import MediaDescription, SessionDescription
from tonevault.cde.wire.sdp.payload import COMFORT_NOISE, EVENT, codecs_of, redundancy_of
from tonevault.cde.wire.sdp.profile import Profile

MAX_PTIME_MS: Final = 120
"""The longest packet that telephones use; what is beyond is taken as unsaid."""


Judge = Callable[[Profile, tuple[CryptoLine, ...]], CryptoLine | None]
"""Says which `a=crypto` of a stream is taken, None for plain RTP; raises UnacceptableSdpError for a stream that the leg may not have."""


def plain_alone(profile: Profile, lines: tuple[CryptoLine, ...]) -> CryptoLine | None:  # noqa: ARG001 - a Judge
    """The judge of a leg without SRTP."""
    if profile.is_secured:
        raise UnacceptableSdpError(
            WarningCode.INCOMPATIBLE_TRANSPORT, "SRTP is not available on this route; offer RTP/AVP"
        )
    return None


@dataclass(frozen=True, slots=True)
class AudioStream:
    """The audio of one description, as its writer sees it. `slot` is its place among the `m=` lines; `voice` includes comfort noise;
    `crypto` is what of its SRTP is taken, None for plain RTP; `redundancy` are the formats of RFC 2198."""

    slot: int
    profile: Profile
    remote: MediaAddress
    voice: tuple[Codec, ...]
    events: tuple[Codec, ...]
    direction: Direction
    ptime_ms: int | None = None
    max_ptime_ms: int | None = None
    crypto: CryptoLine | None = None
    redundancy: tuple[Codec, ...] = ()


def audio_stream(
    description: SessionDescription,
    *,
    slot: int | None = None,
    judge: Judge = plain_alone,
    ip_version: int | None = None,
) -> AudioStream:
    """The stream that is relayed: the first usable audio, or the one in the given slot (an answer's place is its offer's).
    `ip_version` is the only one that can be reached, 4 or 6.

    Raises UnacceptableSdpError with the reason, of the first audio stream where there are several.
    """
    refusal: UnacceptableSdpError | None = None
    for index, media in enumerate(description.media):
        if media.kind != "audio" or (slot is not None and index != slot):
            continue
        try:
            return _stream(description, media, index, judge, ip_version)
        except UnacceptableSdpError as error:
            refusal = refusal or error
    raise refusal or UnacceptableSdpError(
        WarningCode.MEDIA_TYPE_NOT_AVAILABLE, "An audio stream is needed and none is there"
    )


def _stream(
    description: SessionDescription,
    media: MediaDescription,
    slot: int,
    judge: Judge,
    ip_version: int | None,
) -> AudioStream:
    if media.port == 0:
        raise UnacceptableSdpError(
            WarningCode.MEDIA_TYPE_NOT_AVAILABLE, "The audio stream is refused (port 0)"
        )
    profile = _profile(media)
    crypto = judge(profile, crypto_lines(media))
    address = _address(description, media)
    if ip_version not in {None, address.version} and not address.is_unspecified:
        raise UnacceptableSdpError(
            WarningCode.INCOMPATIBLE_ADDRESS, f"Audio is reached over IPv{ip_version} alone on this leg"
        )
    codecs = codecs_of(media)
    voice = tuple(codec for codec in codecs if codec.name != EVENT)
    if not any(codec.name != COMFORT_NOISE for codec in voice):
        raise UnacceptableSdpError(
            WarningCode.INCOMPATIBLE_FORMAT, "No voice codec that can be relayed; offer PCMU or PCMA"
        )
    direction = direction_of(description, media)
    if address.is_unspecified:
        # RFC 2543's hold, which RFC 3264 section 8.4 keeps alive: the writer receives nothing.
        direction = direction_from(sends=sends(direction), receives=False)
    return AudioStream(
        slot=slot,
        profile=profile,
        remote=MediaAddress(str(address), media.port, _rtcp_port(media)),
        voice=voice,
        events=tuple(codec for codec in codecs if codec.name == EVENT),
        direction=direction,
        ptime_ms=_milliseconds(media, "ptime"),
        max_ptime_ms=_milliseconds(media, "maxptime"),
        crypto=crypto,
        redundancy=redundancy_of(media),
    )


def _profile(media: MediaDescription) -> Profile:
    try:
        return Profile(media.protocol.upper())
    except ValueError:
        raise UnacceptableSdpError(
            WarningCode.INCOMPATIBLE_TRANSPORT, "The audio's transport is not RTP; offer RTP/AVP"
        ) from None


def _address(description: SessionDescription, media: MediaDescription) -> IPv4Address | IPv6Address:
    connection = media.connection or description.connection
    if connection is None:
        raise UnacceptableSdpError(
            WarningCode.INCOMPATIBLE_ADDRESS, "The audio has no connection address (c=)"
        )
    try:
        address = ip_address(connection.address.partition("/")[0])
    except ValueError:
        raise UnacceptableSdpError(
            WarningCode.INCOMPATIBLE_ADDRESS, "The connection address must be an IP address, not a name"
        ) from None
    if address.is_multicast:
        raise UnacceptableSdpError(WarningCode.MULTICAST_NOT_AVAILABLE, "Multicast audio is not relayed")
    return address


def _rtcp_port(media: MediaDescription) -> int:
    """RFC 3605's `a=rtcp`, else the next port (RFC 3550 section 11)."""
    for value in media.attributes("rtcp"):
        word = value.split(" ", 1)[0]
        if word.isascii() and word.isdigit() and len(word) <= 5 and 0 < int(word) <= 65_535:
            return int(word)
    return min(media.port + 1, 65_535)


def _milliseconds(media: MediaDescription, name: str) -> int | None:
    for value in media.attributes(name):
        word = value.strip().partition(".")[0]
        if word.isascii() and word.isdigit() and len(word) <= 4 and 0 < int(word) <= MAX_PTIME_MS:
            return int(word)
    return None
