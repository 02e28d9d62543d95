"""Keyed digests of secrets and request bodies: what the desk stores instead of them. One key, one purpose a digest."""

import hashlib
import hmac
from typing import Final

MIN_KEY_BYTES: Final = 32
"""As strong as the HMAC-SHA-256 made with it (RFC 2104 section 3)."""


class KeyedDigest:
    """HMAC-SHA-256 under the desk's secret; the purpose is part of the input, so that a digest serves one table only."""

    def __init__(self, key: bytes) -> None:
        if len(key) < MIN_KEY_BYTES:
            raise ValueError("desk secret: must be at least 32 random bytes; `tonevault keys` makes one")
        self._key = key

    def of(self, purpose: str, *parts: bytes) -> bytes:
        """32 bytes. Each part is preceded by its length, so that no two lists of parts read alike."""
        mac = hmac.new(self._key, purpose.encode() + b"\0", hashlib.sha256)
        for part in parts:
            mac.update(len(part).to_bytes(8, "big"))
            mac.update(part)
        return mac.digest()

    def __reduce__(self) -> str:
        raise TypeError("a key is not to be pickled or copied")
