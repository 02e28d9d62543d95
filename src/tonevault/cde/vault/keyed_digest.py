"""What the secure zone keeps of a text that it must know again and not know: its keyed digest. Refuses to use a key for two purposes."""

import hmac
from enum import StrEnum
from typing import Final

_DERIVED: Final = b"tonevault-derived-key|"
"""Begins what keys are derived from. A card's index is made of its digits alone, so nothing is ever the input of both."""


class DigestPurpose(StrEnum):
    """Each has a key of its own, derived from the account's index key (as NIST SP 800-108 derives keys by HMAC and a label)."""

    GATEWAY_EVENT = "gateway-event"


def keyed_digest(index_key: bytes, purpose: DigestPurpose, *parts: str) -> bytes:
    """32 bytes. Each part is preceded by its length, so that no two lists of parts read alike."""
    mac = hmac.new(hmac.digest(index_key, _DERIVED + purpose.value.encode(), "sha256"), digestmod="sha256")
    for part in parts:
        # What a gateway sends may be no text that UTF-8 has; it has a digest all the same.
        octets = part.encode("utf-8", "surrogatepass")
        mac.update(len(octets).to_bytes(8, "big") + octets)
    return mac.digest()
