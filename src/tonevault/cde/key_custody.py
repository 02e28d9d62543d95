"""Port to the custody of key-encrypting keys: wraps and unwraps data keys, never shows its own. Adapters: `custodies/`."""

from typing import Protocol


class KeyCustodyError(Exception):
    """The custody is closed, damaged or not this deployment's; the message says what is needed to recover."""


class KeyCustody(Protocol):
    """A key-encrypting key behind one interface (file in two shares, PKCS#11, AWS KMS, Vault Transit)."""

    @property
    def key_id(self) -> str:
        """Name of the key-encrypting key in force, stored beside what it wraps."""

    def wrap(self, data_key: bytes, context: bytes) -> bytes:
        """Encrypt a 32-byte data key bound to `context` (account and epoch)."""

    def unwrap(self, wrapped: bytes, context: bytes, key_id: str) -> bytes:
        """Give back the data key. Raises KeyCustodyError when the key, the bytes or the context do not fit."""
