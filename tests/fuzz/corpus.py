"""Sound input from which hostile input is made: the torture messages, descriptions of phones and carriers, packets of every kind."""

from typing import Final

from tests.conformance.torture import ipv6, malformed, meaning, well_formed
from tonevault.cde.wire.rtcp import ReceiverReport, ReportBlock, SenderReport, build_report
from tonevault.cde.wire.rtp import RtpPacket, build_rtp
from tonevault.cde.wire.telephone_event import build_event

SIP: Final = (
    *well_formed.REQUESTS.values(),
    *well_formed.RESPONSES.values(),
    *malformed.FORGIVEN.values(),
    *malformed.DROPPED.values(),
    *(data for data, _ in (*malformed.REFUSED.values(), *meaning.ANSWERED.values())),
    *ipv6.GOOD.values(),
    *ipv6.INVITES.values(),
)


def _description(*lines: str) -> bytes:
    head = ("v=0", "o=- 3905 1 IN IP4 192.0.2.10", "s=-", "c=IN IP4 192.0.2.10", "t=0 0")
    return "".join(f"{line}\r\n" for line in (*head, *lines)).encode()


_KEY = "d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj"

SDP: Final = (
    _description(
        "m=audio 4000 RTP/AVP 0 8 101",
        "a=rtpmap:101 telephone-event/8000",
        "a=fmtp:101 0-15",
        "a=ptime:20",
        "a=sendrecv",
    ),
    _description(
        "m=audio 4000 RTP/AVP 96 97 9 8 0 13 102 103",
        *(
            "a=rtpmap:96 opus/48000/2",
            "a=fmtp:96 useinbandfec=1;stereo=0",
            "a=rtpmap:97 G722/8000",
            "a=rtpmap:102 telephone-event/48000",
        ),
        *(
            "a=rtpmap:103 red/8000",
            "a=fmtp:103 0/0/0",
            "a=rtcp:4005 IN IP4 192.0.2.11",
            "a=rtcp-mux",
            "a=maxptime:60",
            "a=sendonly",
        ),
    ),
    _description(
        "m=audio 4000 RTP/SAVP 0 101",
        f"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{_KEY}|2^31|1:1",
        f"a=crypto:2 AEAD_AES_256_GCM inline:{_KEY}{_KEY}",
        *("a=rtpmap:101 telephone-event/8000", "a=inactive"),
    ),
    _description(
        "m=audio 0 RTP/AVP 0", "m=video 4002 RTP/AVP 31", "a=rtpmap:31 H261/90000", "m=image 4004 udptl t38"
    ),
    _description(
        "m=audio 4000/2 RTP/AVP 0", "c=IN IP6 2001:db8::1", "b=AS:64", "k=prompt", "a=rtpmap:0 PCMU/8000/1"
    ),
    (
        b"v=0\r\no=- 1 1 IN IP6 ::1\r\ns= \r\ni=x\r\nu=http://example.com\r\ne=a@b\r\np=+1\r\nb=CT:1\r\n"
        b"t=0 0\r\nr=1 2 3\r\nz=0 0\r\na=recvonly\r\n"
    ),
)

_BLOCK = ReportBlock(0x1234, 10, 300, 70_000, 5, 0xABCD, 99)


def _rtp() -> tuple[bytes, ...]:
    voice = bytes(range(160))
    plain = RtpPacket(0, 1000, 160_000, 0x1234, voice)
    event = RtpPacket(101, 1001, 160_160, 0x1234, build_event(5, 800, end=True), marker=True)
    return (
        build_rtp(plain),
        build_rtp(event),
        build_rtp(RtpPacket(8, 65_535, 2**32 - 1, 1, voice[:80])),
        build_rtp(RtpPacket(13, 7, 8, 9, b"\x40")),
        # With two contributors, an extension and padding (RFC 3550 section 5).
        b"\xb2\x00\x00\x01"
        + b"\x00" * 8
        + b"\x00" * 8
        + b"\xbe\xde\x00\x01"
        + b"\x10\xff\x00\x00"
        + voice
        + b"\x00\x00\x00\x04",
        # RFC 2198: one redundant block of four octets before the primary.
        b"\x80\x67\x00\x02" + b"\x00" * 8 + b"\x80\x00\x50\x04" + b"\x00" + voice[:4] + voice,
    )


RTP: Final = _rtp()

RTCP: Final = (
    build_report(
        SenderReport(0x1234, 0xE1E2E3E4_00000000, 160_000, 100, 16_000, (_BLOCK,)), "edge@example.com"
    ),
    build_report(ReceiverReport(0x1234, (_BLOCK, _BLOCK)), "edge@example.com", leaves=True),
    build_report(ReceiverReport(0x1234, ()), "e"),
    # An application's own packet, and feedback (RFC 3550 section 6.7, RFC 4585).
    b"\x80\xcc\x00\x02" + b"\x00" * 4 + b"name" + b"\x81\xcd\x00\x03" + b"\x00" * 12,
)
