"""Key-encrypting keys in shares: two custodians and an escrow, of which any two make the key."""

from tonevault.cde.custodies.file.custody import FileCustody
from tonevault.cde.custodies.file.share import Holder, Passphrases, SharePaths

__all__ = ["FileCustody", "Holder", "Passphrases", "SharePaths"]
