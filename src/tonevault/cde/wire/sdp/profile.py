"""The transport of an `m=` line: plain or secured RTP. Refuses to know any other."""

from enum import Enum


class Profile(Enum):
    """RTP's profiles (RFC 3551, 4585, 3711, 5124, 5764). The keys of SAVP and SAVPF come by signalling, those of the DTLS ones by the media
    path, which this edge does not speak."""

    AVP = "RTP/AVP"
    AVPF = "RTP/AVPF"
    SAVP = "RTP/SAVP"
    SAVPF = "RTP/SAVPF"
    DTLS_SAVP = "UDP/TLS/RTP/SAVP"
    DTLS_SAVPF = "UDP/TLS/RTP/SAVPF"

    @property
    def is_secured(self) -> bool:
        """Whether the stream is SRTP (RFC 3711)."""
        return self not in {Profile.AVP, Profile.AVPF}

    @property
    def is_dtls(self) -> bool:
        """Whether its keys are agreed by DTLS (RFC 5764)."""
        return self in {Profile.DTLS_SAVP, Profile.DTLS_SAVPF}

    def turned(self, *, secured: bool) -> "Profile":
        """The same kind of RTP, with feedback or without, secured or plain."""
        feedback = self in {Profile.AVPF, Profile.SAVPF, Profile.DTLS_SAVPF}
        if secured:
            return Profile.SAVPF if feedback else Profile.SAVP
        return Profile.AVPF if feedback else Profile.AVP
