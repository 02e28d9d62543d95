"""A master key and salt of SRTP, sealed. It tells its length and whether another is the same; `media_warrant` alone opens it."""

import hmac

from tonevault.cde.sealed.seal import Sealed
from tonevault.kernel.ids import Entropy


class MediaKey(Sealed):
    """Key and salt, one behind the other (RFC 4568 section 6.1), in a buffer of its own, zeroed by `destroy`.

    It guards the voice of a call and with it the keys that a customer presses, so it is shown no more than a card is.
    """

    __slots__ = ("_octets",)

    def __init__(self, octets: bytearray) -> None:
        """Take ownership of `octets`: the caller keeps no copy. Raises ValueError for none."""
        if not octets:
            raise ValueError("media key: must not be empty")
        self._octets = octets

    @classmethod
    def fresh(cls, length: int, entropy: Entropy) -> "MediaKey":
        """A random key of `length` octets."""
        return cls(bytearray(entropy(256) for _ in range(length)))

    @property
    def length(self) -> int:
        """Octets of key and salt together."""
        return len(self._octets)

    def matches(self, other: "MediaKey") -> bool:
        """Whether both are the same key, in a time that does not tell where they differ."""
        return hmac.compare_digest(self._octets, other._octets)  # noqa: SLF001 - the same class

    def destroy(self) -> None:
        """Zero the key. It is unusable afterwards."""
        self._octets[:] = bytes(len(self._octets))
