"""What the edge itself says on one leg: its origin line, its growing version, and the `m=` lines both sides have agreed to keep."""

from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final

from tonevault.cde.media import Codec, Direction, MediaAddress
from tonevault.cde.wire.sdp.crypto import CryptoLine, written
from tonevault.cde.wire.sdp.model import Connection, Line, MediaDescription, Origin, SessionDescription
from tonevault.cde.wire.sdp.payload import codec_lines
from tonevault.cde.wire.sdp.profile import Profile
from tonevault.cde.wire.sdp.serialise import serialise

USERNAME: Final = "tonevault"
"""RFC 8866 section 5.2 wants no white space; the name says who wrote the description and nothing of the caller."""


@dataclass(frozen=True, slots=True)
class Slot:
    """One `m=` line of a leg. RFC 3264 section 8 never lets one disappear, so a refused stream keeps its kind and formats."""

    kind: str
    protocol: str
    formats: tuple[str, ...]

    def refused(self) -> MediaDescription:
        """The stream with port 0 (RFC 3264 section 6)."""
        return MediaDescription(self.kind, 0, self.protocol, self.formats)


@dataclass(frozen=True, slots=True)
class Audio:
    """The audio stream as the edge wants to state it on one leg."""

    codecs: tuple[Codec, ...]
    direction: Direction
    ptime_ms: int | None = None
    max_ptime_ms: int | None = None
    crypto: tuple[CryptoLine, ...] = ()
    secured_profile: bool | None = None
    """Whether the stream is offered as SAVP or as AVP; None in an answer, which keeps the profile of its offer."""


def slots_of(description: SessionDescription) -> tuple[Slot, ...]:
    """The `m=` lines of a peer's description, to be matched one for one."""
    return tuple(Slot(media.kind, media.protocol, media.formats) for media in description.media)


class LocalSide:
    """The descriptions that the edge sends on one leg. Equal content keeps its version, changed content raises it by one (section 8)."""

    __slots__ = ("_address", "_agreed", "_content", "_said", "_session_id", "_version", "audio_slot", "slots")

    def __init__(self, session_id: int, address: MediaAddress) -> None:
        self._session_id = session_id
        self._version = 0
        self._address = address
        self._said: tuple[MediaDescription, ...] | None = None
        """What the peer was told last, agreed or not: whatever differs from it needs a new version."""
        self._content: tuple[MediaDescription, ...] | None = None
        """What holds on this leg, or is being negotiated."""
        self._agreed: tuple[MediaDescription, ...] | None = None
        self.slots: tuple[Slot, ...] = (Slot("audio", Profile.AVP.value, ()),)
        self.audio_slot = 0

    @property
    def ip_version(self) -> int:
        """The edge receives, and so sends, audio over this version alone: 4 or 6."""
        return ip_address(self._address.host).version

    def state(self, audio: Audio) -> bytes:
        """The message body with this audio in its slot and every other stream refused."""
        media = tuple(
            self._audio(slot.protocol, audio) if index == self.audio_slot else slot.refused()
            for index, slot in enumerate(self.slots)
        )
        self._content = media
        return self._written(media)

    def restate(self) -> bytes | None:
        """What holds or is being negotiated, for a session refresh; None before anything was said."""
        return None if self._content is None else self._written(self._content)

    def settle(self) -> None:
        """What was said last is agreed."""
        self._agreed = self._content

    def withdraw(self) -> None:
        """What was said last came to nothing: what was agreed before holds on, and is said again when it is asked for."""
        if self._agreed is not None:
            self._content = self._agreed

    def forget(self) -> None:
        """The call is over: nothing is said any more."""
        self._said = self._content = self._agreed = None

    def _written(self, media: tuple[MediaDescription, ...]) -> bytes:
        if media != self._said:
            self._version += 1
            self._said = media
        host = self._address.host
        family = "IP6" if ":" in host else "IP4"
        origin = Origin(USERNAME, str(self._session_id), str(self._version), family, host)
        return serialise(SessionDescription(origin, "-", Connection(family, host), media=media))

    def _audio(self, protocol: str, audio: Audio) -> MediaDescription:
        lines = list(codec_lines(audio.codecs))
        lines += [written(line) for line in audio.crypto]
        if audio.secured_profile is not None:
            protocol = Profile(protocol.upper()).turned(secured=audio.secured_profile).value
        if audio.ptime_ms is not None:
            lines.append(Line("a", f"ptime:{audio.ptime_ms}"))
        if audio.max_ptime_ms is not None:
            lines.append(Line("a", f"maxptime:{audio.max_ptime_ms}"))
        if self._address.rtcp_port != self._address.port + 1:
            lines.append(Line("a", f"rtcp:{self._address.rtcp_port}"))
        lines.append(Line("a", audio.direction.value))
        formats = tuple(str(codec.payload_type) for codec in audio.codecs)
        return MediaDescription("audio", self._address.port, protocol, formats, lines=tuple(lines))
