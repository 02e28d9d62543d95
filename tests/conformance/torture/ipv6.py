"""RFC 5118: requests whose difficulty is an IPv6 address, by the names that it gives them."""

from tests.conformance.torture.wire_text import wire


def _register(request_uri: str, *, via: str = "SIP/2.0/UDP [2001:db8::9:1]", name: str) -> bytes:
    return wire(
        f"REGISTER {request_uri} SIP/2.0\nTo: sip:user@example.com\nFrom: sip:user@example.com;tag=81x2\n"
        f"Via: {via};branch=z9hG4bKas3-111\nCall-ID: {name}.SSG9559905523997077@hlau_4100\nMax-Forwards: 70\n"
        'Contact: "Caller" <sip:caller@[2001:db8::1]>\nCSeq: 98176 REGISTER\nContent-Length: 0\n\n'
    )


def _invite(
    description: str, *, via: str = "SIP/2.0/UDP [2001:db8::20]", host: str = "[2001:db8::10]"
) -> bytes:
    body = description.replace("\n", "\r\n")
    return wire(
        f"INVITE sip:user@{host} SIP/2.0\nTo: sip:user@{host}\nFrom: sip:user@example.com;tag=81x2\n"
        f"Via: {via};branch=z9hG4bKas3-111\nCall-ID: SSG9559905523997077@hlau_4100\n"
        'Contact: "Caller" <sip:caller@[2001:db8::20]>\nCSeq: 8612 INVITE\nMax-Forwards: 70\n'
        f"Content-Type: application/sdp\nContent-Length: {len(body)}\n\n{description}"
    )


_SIX = "v=0\no=assistant 971731711378798081 0 IN IP6 2001:db8::20\ns=Live video feed for today's meeting\n"

GOOD = {
    "ipv6-good": _register("sip:[2001:db8::10]", name="good"),
    "port-ambiguous": _register("sip:[2001:db8::10:5070]", name="ambiguous"),
    "port-unambiguous": _register("sip:[2001:db8::10]:5070", name="unambiguous"),
    "via-received-param-with-delim": _register(
        "sip:[2001:db8::10]", via="SIP/2.0/UDP [2001:db8::9:1];received=[2001:db8::9:255]", name="with-delim"
    ),
    "via-received-param-no-delim": _register(
        "sip:[2001:db8::10]", via="SIP/2.0/UDP [2001:db8::9:1];received=2001:db8::9:255", name="no-delim"
    ),
    "mult-ip-in-header": _register(
        "sip:example.com",
        via="SIP/2.0/UDP [2001:db8::9:1]:6050;branch=z9hG4bKas3-112, SIP/2.0/UDP 192.0.2.1",
        name="mult",
    ),
    "ipv4-mapped-ipv6": _register(
        "sip:[::ffff:192.0.2.10]:19823", via="SIP/2.0/UDP [::ffff:192.0.2.2]:5060", name="mapped"
    ),
}

INVITES = {
    "ipv6-in-sdp": _invite(
        f"{_SIX}c=IN IP6 2001:db8::1\nt=3338481189 3370017201\nm=audio 6000 RTP/AVP 2\na=rtpmap:2 G726-32/8000\n"
        "m=video 6024 RTP/AVP 107\na=rtpmap:107 H263-1998/90000\n"
    ),
    "mult-ip-in-sdp": _invite(
        f"{_SIX}t=3338481189 3370017201\nm=audio 22334 RTP/AVP 0\nc=IN IP6 2001:db8::1\n"
        "m=video 6024 RTP/AVP 107\nc=IN IP4 192.0.2.1\na=rtpmap:107 H263-1998/90000\n"
    ),
    "ipv4-mapped-ipv6": _invite(
        "v=0\no=bob 280744730 28977631 IN IP4 example.com\ns=-\nc=IN IP6 ::ffff:192.0.2.2\nt=0 0\nm=audio 22334 RTP/AVP 0\n",
        via="SIP/2.0/UDP [::ffff:192.0.2.2]:5060",
    ),
}

BAD = {"ipv6-bad": _register("sip:2001:db8::10", name="bad")}
"""The Request-URI lacks its brackets: the end of the address cannot be told from a port."""

DOUBTFUL = {"ipv6-bug-abnf-3-colons": _invite("v=0\n", host="[2001:db8:::192.0.2.1]")}
"""Three colons, as the grammar of RFC 3261 had it by mistake: whatever is answered, nothing breaks."""
