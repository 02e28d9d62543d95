"""Session descriptions as peers send them, each named for what is odd about it."""

from tonevault.cde.media import Leg, MediaAddress, MediaPorts
from tonevault.cde.wire.sdp.offer_answer import OfferAnswer

PORTS = MediaPorts(
    customer=MediaAddress("10.0.0.1", 30000, 30001), agent=MediaAddress("10.0.1.1", 30002, 30003)
)


def lines(text: str) -> bytes:
    """The rows of an indented text, ended by CRLF."""
    return "".join(f"{row.strip()}\r\n" for row in text.strip().splitlines()).encode()


def audio(
    formats: str = "0 8 101",
    *attributes: str,
    host: str = "192.0.2.10",
    port: int = 4000,
    profile: str = "RTP/AVP",
) -> bytes:
    """A telephone's description with one audio stream."""
    rows = [
        "v=0",
        f"o=- 77 1 IN IP4 {host}",
        "s=call",
        f"c=IN IP4 {host}",
        "t=0 0",
        f"m=audio {port} {profile} {formats}",
    ]
    events = ["a=rtpmap:101 telephone-event/8000", "a=fmtp:101 0-16"] if "101" in formats.split() else []
    return lines("\n".join([*rows, *events, *(f"a={attribute}" for attribute in attributes)]))


def fresh(*, g711_first: bool = False) -> OfferAnswer:
    """The state of a call before its first offer."""
    return OfferAnswer(PORTS, {Leg.CUSTOMER: 501, Leg.AGENT: 502}, g711_first=g711_first)


CARRIER = lines("""
    v=0
    o=Sonus_UAC 20981 14182 IN IP4 203.0.113.7
    s=SIP Media Capabilities
    c=IN IP4 203.0.113.8
    t=0 0
    m=audio 18422 RTP/AVP 8 0 18 101
    a=rtpmap:8 PCMA/8000
    a=rtpmap:0 PCMU/8000
    a=rtpmap:18 G729/8000
    a=fmtp:18 annexb=no
    a=rtpmap:101 telephone-event/8000
    a=fmtp:101 0-15
    a=sendrecv
    a=maxptime:20
    a=ptime:20
""")

WITH_VIDEO = lines("""
    v=0
    o=baresip 3 1 IN IP4 192.0.2.20
    s=-
    c=IN IP4 192.0.2.20
    b=AS:512
    t=0 0
    a=tool:baresip 1.0.0
    m=video 5000 RTP/AVP 97
    a=rtpmap:97 H264/90000
    m=audio 5004 RTP/AVP 96 0 8 98 101
    b=AS:125
    a=rtpmap:96 opus/48000/2
    a=fmtp:96 stereo=1;sprop-stereo=1
    a=rtpmap:98 red/8000
    a=fmtp:98 101/101
    a=rtpmap:101 telephone-event/8000
    a=rtcp:5010
    a=label:1
    m=application 5020 UDP/BFCP *
""")

UNKNOWN_LINES = lines("""
    v=0
    o=- 1 1 IN IP6 2001:db8::1
    s=-
    i=a talk
    u=http://example.invalid/
    e=someone@example.invalid
    c=IN IP6 2001:db8::2
    b=X-YZ:128
    t=0 0
    r=7d 1h 0 25h
    t=1 2
    k=prompt
    x=not in any RFC
    a=recvonly
    m=audio 49170/2 RTP/AVP 0
    i=left and right
    c=IN IP6 2001:db8::3
    c=IN IP6 2001:db8::4
    b=AS:64
    a=sendonly
    y=neither
""")
