"""SRTP on one leg as signalling sees it: whether it may, must or must not be, which keys were offered, which suite holds."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from tonevault.cde.media import Srtp, SrtpSuite
from tonevault.cde.sealed.media_key import MediaKey
from tonevault.cde.wire.sdp.crypto import CryptoLine
from tonevault.cde.wire.sdp.errors import UnacceptableSdpError, WarningCode
from tonevault.cde.wire.sdp.profile import Profile
from tonevault.kernel.ids import Entropy


class SrtpPolicy(StrEnum):
    """What a route wants of a leg. ACCEPT takes SRTP from a peer that offers it, and never asks for it."""

    OFF = "off"
    ACCEPT = "accept"
    REQUIRE = "require"


@dataclass(frozen=True, slots=True)
class SrtpTerms:
    """`keys_allowed`: the leg's signalling is TLS, or the operator has said that keys may go in clear."""

    policy: SrtpPolicy = SrtpPolicy.OFF
    keys_allowed: bool = False


@dataclass(frozen=True, slots=True)
class OfferedKeys:
    """What our offer says of SRTP: nothing, or `lines` under a secured profile, or (RFC 8643) under a plain one."""

    lines: tuple[CryptoLine, ...] = ()
    secured_profile: bool = False


NOTHING_OFFERED: Final = OfferedKeys()


def no_keys(_: int) -> int:
    """The entropy of a leg that may have no SRTP."""
    raise RuntimeError("srtp: a leg without SRTP makes no keys")


def _refused(text: str) -> UnacceptableSdpError:
    return UnacceptableSdpError(WarningCode.INCOMPATIBLE_TRANSPORT, text)


class LegKeys:
    """Judges what the peer of a leg says of SRTP, and keeps our keys.

    Our key of a suite stays for as long as the suite does, through hold and every new offer: the relay's stream goes on under it, and its
    packet count with it. The key of a suite that is left is never used again, because the count would begin anew (RFC 3711 section 9.1).
    """

    def __init__(self, terms: SrtpTerms, entropy: Entropy) -> None:
        self._policy = terms.policy
        self.keys_allowed = terms.keys_allowed
        self._entropy = entropy
        self._keys: dict[SrtpSuite, MediaKey] = {}
        self._offered = NOTHING_OFFERED
        self._suite: SrtpSuite | None = None
        self._used: set[SrtpSuite] = set()
        """Suites whose key the relay has been told, by early media too."""
        self._secured_profile = True

    # What the peer says.

    def of_offer(self, profile: Profile, lines: tuple[CryptoLine, ...]) -> CryptoLine | None:
        """The line of the peer's offer that is taken: its first usable one. None for plain RTP. Raises UnacceptableSdpError."""
        if profile.is_dtls:
            raise _refused("DTLS-SRTP is not available; offer RTP/SAVP with a=crypto (RFC 4568), or RTP/AVP")
        if self._policy is SrtpPolicy.OFF:
            if profile.is_secured:
                raise _refused("SRTP is not available on this route; offer RTP/AVP")
            return None
        wanted = profile.is_secured or self._policy is SrtpPolicy.REQUIRE
        if not self.keys_allowed:
            if wanted:
                raise _refused("SRTP keys are taken over TLS alone; call over TLS")
            return None
        if lines:
            return lines[0]
        if profile.is_secured:
            raise _refused(
                f"No usable a=crypto; offer {SrtpSuite.CM_SHA1_80.value} with one inline key and no MKI"
            )
        if wanted:
            raise _refused("SRTP is required on this route; offer RTP/SAVP with a=crypto (RFC 4568)")
        return None

    def of_answer(self, profile: Profile, lines: tuple[CryptoLine, ...]) -> CryptoLine | None:
        """The line of the peer's answer to our last offer: it must be one that was offered. Raises UnacceptableSdpError."""
        offered = {(line.tag, line.suite) for line in self._offered.lines}
        if not offered:
            if profile.is_secured:
                raise _refused("The answer is SRTP, which was not offered")
            return None
        for line in lines:
            if (line.tag, line.suite) in offered:
                return line
        if profile.is_secured or self._offered.secured_profile or self._policy is SrtpPolicy.REQUIRE:
            raise _refused("The answer takes none of the SRTP keys that were offered, and SRTP is required")
        return None

    def of_refresh(self, profile: Profile, lines: tuple[CryptoLine, ...]) -> CryptoLine | None:
        """The line of the answer to a repeated description: the same suite as before, if any, perhaps with another key."""
        if self._suite is None:
            if profile.is_secured:
                raise _refused("The answer is SRTP, which was not offered")
            return None
        for line in lines:
            if line.suite is self._suite:
                return line
        raise _refused("The answer leaves the SRTP that was agreed")

    # What we say.

    def offer(self) -> OfferedKeys:
        """What our next offer says: the same form as agreed, else a secured profile where the route requires it. Raises
        UnacceptableSdpError when it does and keys may not be sent."""
        self._offered = self._next_offer()
        return self._offered

    def _next_offer(self) -> OfferedKeys:
        required = self._policy is SrtpPolicy.REQUIRE
        if self._suite is None and not required:
            return NOTHING_OFFERED
        if not self.keys_allowed:
            raise _refused("SRTP is required towards the far side, which is not reached over TLS")
        suites = sorted(SrtpSuite, key=lambda suite: suite is not self._suite)
        lines = tuple(CryptoLine(tag, suite, self.ours(suite)) for tag, suite in enumerate(suites, 1))
        return OfferedKeys(lines, self._secured_profile)

    def answer(self, theirs: CryptoLine | None) -> tuple[CryptoLine, ...]:
        """What our answer says to an offer of which `theirs` is taken: its number and suite, our key (RFC 4568 section 7.1.2)."""
        return () if theirs is None else (CryptoLine(theirs.tag, theirs.suite, self.ours(theirs.suite)),)

    def secured(self, theirs: CryptoLine | None) -> Srtp | None:
        """What the relay is to be told when `theirs` is the peer's line."""
        if theirs is None:
            return None
        self._used.add(theirs.suite)
        return Srtp(theirs.suite, self.ours(theirs.suite), theirs.key)

    def ours(self, suite: SrtpSuite) -> MediaKey:
        """Our key of a suite, made when it is first wanted."""
        if suite not in self._keys:
            self._keys[suite] = MediaKey.fresh(suite.key_octets, self._entropy)
        return self._keys[suite]

    def settle(self, security: Srtp | None, profile: Profile) -> None:
        """An exchange is complete: this holds from now on."""
        suite = security.suite if security else None
        for left in self._used - {suite}:
            self._keys.pop(left).destroy()
        self._used -= self._used - {suite}
        self._suite = suite
        self._secured_profile = profile.is_secured or security is None

    def destroy(self) -> None:
        """The call is over: zero our keys."""
        for key in self._keys.values():
            key.destroy()
