"""`a=crypto` (RFC 4568): the keys of SRTP as a peer writes them, and ours. Refuses what the relay could not do, and never shows a key."""

import binascii
import re
from dataclasses import dataclass
from typing import Final

from tonevault.cde.media import SrtpSuite
from tonevault.cde.sealed.media_key import MediaKey
from tonevault.cde.sealed.media_warrant import open_media_key
from tonevault.cde.wire.sdp.model import Line, MediaDescription

MAX_LINES: Final = 16
"""Phones offer two to eight; what comes after these is not looked at."""

_LINE = re.compile(r"([0-9]{1,9})[ \t]+([A-Za-z0-9_]{1,64})[ \t]+([^ \t]+)((?:[ \t]+[^ \t]+)*)[ \t]*")
_INLINE = re.compile(r"inline:([A-Za-z0-9+/]{4,128}={0,2})(?:\|(?:2\^[0-9]{1,2}|[0-9]{1,20}))?")
"""Key and salt in base64, and perhaps a lifetime. A third part is an MKI, which would stand in every packet and which the relay does not
read. The lifetime is the sender's to keep (RFC 3711 section 9.2): a peer whose key is used up sends another in a new offer."""
_IGNORED = re.compile(r"WSH=[0-9]{1,9}|KDR=0|-.*")
"""Session parameters that change nothing for a receiver (RFC 4568 section 6.3): the hint for the replay window, no re-derivation, and what
its writer marks as optional by a hyphen. A line with any other must not be taken."""


@dataclass(frozen=True, slots=True)
class CryptoLine:
    """One usable `a=crypto`: its number, its suite, and the key that its writer sends with."""

    tag: int
    suite: SrtpSuite
    key: MediaKey


def crypto_lines(media: MediaDescription) -> tuple[CryptoLine, ...]:
    """The usable `a=crypto` of a stream in the writer's order of preference; others are passed over (RFC 4568 section 7.1.2)."""
    found: dict[int, CryptoLine] = {}
    for value in media.attributes("crypto")[:MAX_LINES]:
        line = _read(value)
        if line is not None and line.tag not in found:
            found[line.tag] = line
    return tuple(found.values())


def _read(value: str) -> CryptoLine | None:
    """None for a suite, key or parameter that is unknown, malformed or beyond the relay."""
    match = _LINE.fullmatch(value)
    if match is None or not all(_IGNORED.fullmatch(word) for word in match[4].split()):
        return None
    try:
        suite = SrtpSuite(match[2].upper())
    except ValueError:
        return None
    inline = _INLINE.fullmatch(match[3])
    if inline is None:
        return None
    base64 = inline[1].rstrip("=")
    try:
        # Keys of GCM need padding, which some peers leave out and RFC 4568 section 6.1 discards.
        octets = bytearray(binascii.a2b_base64(base64 + "=" * (-len(base64) % 4), strict_mode=True))
    except binascii.Error:
        return None
    if len(octets) != suite.key_octets:
        return None
    return CryptoLine(int(match[1]), suite, MediaKey(octets))


def written(line: CryptoLine) -> Line:
    """The attribute. It is for a message body that goes over TLS, and for nothing else."""
    with open_media_key(line.key) as octets:
        key = binascii.b2a_base64(octets, newline=False).decode("ascii")
    return Line("a", f"crypto:{line.tag} {line.suite.value} inline:{key}")
