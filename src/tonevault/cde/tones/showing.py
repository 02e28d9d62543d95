"""Opens a key that someone asked to see. It refuses to make text of it: what comes out are octets, for the terminal alone."""

from typing import Final

from tonevault.cde.sealed.key import Key
from tonevault.cde.sealed.warrant import event_code

_CHARACTERS: Final = b"0123456789*#ABCD"
"""RFC 4733 section 3.2, event codes 0 to 15."""


def shown(key: Key) -> bytes:
    """The key as one ASCII octet."""
    code = event_code(key)
    return _CHARACTERS[code : code + 1]
