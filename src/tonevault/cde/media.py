"""Port to the voice: what the edge asks of the relays, and what they report. Adapters: `edge/relay`, and a simulated one in tests."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from tonevault.cde.sealed.key import Key
from tonevault.cde.sealed.media_key import MediaKey
from tonevault.kernel.ids import CallId


class Leg(StrEnum):
    """The two sides of a call through the edge."""

    CUSTOMER = "customer"
    AGENT = "agent"

    @property
    def other(self) -> "Leg":
        """The opposite side."""
        return Leg.AGENT if self is Leg.CUSTOMER else Leg.CUSTOMER


class MaskMode(StrEnum):
    """How the customer is heard by the agent during a capture: through the delay line, or not at all."""

    TALK = "talk"
    HUSH = "hush"


class Carrier(StrEnum):
    """How a key press reached the edge."""

    EVENT = "event"
    TONE = "tone"
    INFO = "info"


class Direction(StrEnum):
    """RFC 3264: which way media flows, as seen from the edge towards this leg's peer."""

    SENDRECV = "sendrecv"
    SENDONLY = "sendonly"
    RECVONLY = "recvonly"
    INACTIVE = "inactive"


@dataclass(frozen=True, slots=True)
class Codec:
    """One payload type of a leg (RFC 3551, RFC 8866 `a=rtpmap`): name in upper case, clock rate in Hz."""

    payload_type: int
    name: str
    clock_rate: int
    channels: int = 1
    fmtp: str = ""


@dataclass(frozen=True, slots=True)
class MediaAddress:
    """Where RTP is sent or received: an IP address in text and a UDP port; RTCP is on `rtcp_port`."""

    host: str
    port: int
    rtcp_port: int


class SrtpSuite(StrEnum):
    """How SRTP is encrypted and authenticated, by its name in SDP (RFC 4568 section 6.2, RFC 7714 section 14.2), strongest first."""

    GCM_256 = "AEAD_AES_256_GCM"
    GCM_128 = "AEAD_AES_128_GCM"
    CM_SHA1_80 = "AES_CM_128_HMAC_SHA1_80"
    CM_SHA1_32 = "AES_CM_128_HMAC_SHA1_32"

    @property
    def key_octets(self) -> int:
        """Master key and salt together: salts have 14 octets in counter mode (RFC 4568 section 6.2.1), 12 in GCM (RFC 7714 section 12)."""
        match self:
            case SrtpSuite.GCM_256:
                return 32 + 12
            case SrtpSuite.GCM_128:
                return 16 + 12
            case SrtpSuite.CM_SHA1_80 | SrtpSuite.CM_SHA1_32:
                return 16 + 14


@dataclass(frozen=True, slots=True, eq=False)
class Srtp:
    """What secures the media of one leg (RFC 4568): each way has a key of its own. `sends` is the edge's, `receives` the peer's."""

    suite: SrtpSuite
    sends: MediaKey
    receives: MediaKey

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Srtp):
            return NotImplemented
        return (
            self.suite is other.suite
            and self.sends.matches(other.sends)
            and self.receives.matches(other.receives)
        )

    # What is compared by its keys cannot be hashed without telling something of them.
    __hash__ = None  # type: ignore[assignment]


@dataclass(frozen=True, slots=True)
class LegMedia:
    """What was negotiated for one leg: where its peer receives, the codecs both know, the first being the preferred voice codec.

    A coding may stand there under two numbers: its peer is sent the first and may send either.
    `telephone_events` are the codecs named telephone-event (RFC 4733). `ptime_ms` is the packet length that the peer asked for.
    Without `security` the leg's media are plain RTP. `redundancy` are the formats by which the peer may repeat itself (RFC 2198).
    """

    remote: MediaAddress
    codecs: tuple[Codec, ...]
    telephone_events: tuple[Codec, ...]
    ptime_ms: int = 20
    direction: Direction = Direction.SENDRECV
    security: Srtp | None = None
    redundancy: tuple[Codec, ...] = ()


@dataclass(frozen=True, slots=True)
class MediaPorts:
    """The edge's own media addresses of a call, one for each leg."""

    customer: MediaAddress
    agent: MediaAddress

    def of(self, leg: Leg) -> MediaAddress:
        """The address of one leg."""
        return self.customer if leg is Leg.CUSTOMER else self.agent


@dataclass(frozen=True, slots=True)
class KeyReport:
    """A key press as one carrier brought it. `onset` is the monotonic time in seconds at which the press began."""

    call_id: CallId
    key: Key
    carrier: Carrier
    onset: float


class MediaUnavailableError(Exception):
    """No relay can take another call: ports or workers are used up. The call is answered 503."""


class MediaSink(Protocol):
    """Who hears the relays: implemented by the edge. Called on the event loop, never from another thread."""

    def key_pressed(self, report: KeyReport) -> None:
        """A key went down on the customer's leg during a capture; each carrier reports each press once."""

    def key_held(self, call_id: CallId, carrier: Carrier, until: float) -> None:
        """The key that this carrier told of last was down until then, in monotonic seconds. Infinity: it is down again, after a hole in
        what tells of it. A key that was reported is down until this says otherwise."""

    def mask_changed(self, call_id: CallId, mode: MaskMode) -> None:
        """The relay changed its mask by itself, because noise took the guarantee away."""

    def media_lost(self, call_id: CallId) -> None:
        """The relay worker of this call died; the call cannot go on."""


class MediaPlane(Protocol):
    """The relays. All calls return at once; they are carried out in order for each call."""

    def open(self, call_id: CallId) -> MediaPorts:
        """Bind ports for a new call. Raises MediaUnavailableError."""

    def configure(self, call_id: CallId, leg: Leg, media: LegMedia) -> None:
        """Set or change what a leg's peer receives; media flows once both legs are configured."""

    def start_capture(self, call_id: CallId, mode: MaskMode) -> None:
        """Open the mask: from now on no key of the customer passes towards the agent, and presses are reported."""

    def set_mask(self, call_id: CallId, mode: MaskMode) -> None:
        """Change between talk and hush while a capture is open."""

    def stop_capture(self, call_id: CallId) -> None:
        """Close the mask; a key still held stays masked until it ends."""

    def beep(self, call_id: CallId, key: Key, onset: float) -> None:
        """A key was learned of by signalling (SIP INFO): one beep, unless the relay already beeped for this press."""

    def close(self, call_id: CallId) -> None:
        """End the call's media and free its ports."""
