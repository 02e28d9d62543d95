"""How the torture messages are written down: lines as RFC 4475 prints them, and the session description that most of them carry."""

CR = "\r"


def wire(text: str) -> bytes:
    """Lines as they stand on the wire."""
    return text.encode("utf-8", "surrogateescape").replace(b"\n", b"\r\n")


def audio_and_video(host: str, times: str = "0 0", *, connection: str = "") -> str:
    """The description that RFC 4475 offers in nearly every INVITE."""
    return (
        f"v=0\no=mhandley 29739 7272939 IN IP4 {host}\ns=-\nc=IN IP4 {connection or host}\nt={times}\n"
        "m=audio 49217 RTP/AVP 0 12\nm=video 3227 RTP/AVP 31\na=rtpmap:31 LPC\n"
    )
