"""Port to the custody of key-encrypting keys: wraps and unwraps data keys, never shows its own. Adapters: `custodies/`."""

from enum import StrEnum
from typing import Final, Protocol

DATA_KEY_LENGTH: Final = 32
"""Bytes of a data key or an index key: AES-256 and HMAC-SHA-256."""


CHECK_CONTEXT: Final = b"tonevault-check"


class CustodyKind(StrEnum):
    """Where key-encrypting keys lie."""

    FILE = "file"
    PKCS11 = "pkcs11"
    AWS_KMS = "aws-kms"
    VAULT_TRANSIT = "vault-transit"


class KeyCustodyError(Exception):
    """The custody refuses: closed, damaged, or not this deployment's; the message says what is needed to recover."""


class KeyCustodyUnavailableError(KeyCustodyError):
    """The custody does not answer now, and may later: keys that are open go on working, none can be opened or made."""


class KeyCustody(Protocol):
    """Key-encrypting keys behind one interface. Which of them is in force is written in the vault's register, not here.

    Calls block, some of them on a network: they belong into a thread, and each adapter names its time-out and its tries.
    """

    @property
    def kind(self) -> CustodyKind:
        """Which adapter this is."""

    def key_ids(self) -> tuple[str, ...]:
        """The keys that can be used now: words of letters, 64 at most, that name a key for ever. Oldest first where it is known."""

    def make_key(self, existing: str | None = None) -> str:
        """Make a key-encrypting key and answer its id; or take `existing`, a key that its keeper made, where the adapter knows any."""

    def wrap(self, data_key: bytes, context: bytes, key_id: str) -> bytes:
        """Encrypt a 32-byte data key bound to `context` (account, purpose and epoch, ASCII)."""

    def unwrap(self, wrapped: bytes, context: bytes, key_id: str) -> bytes:
        """Give back the data key. Raises KeyCustodyError when the key, the bytes or the context do not fit."""

    def destroy_key(self, key_id: str) -> str:
        """End a key for good; harmless when it is gone. Answers one sentence: what was done, and what is left to do by hand."""

    def check(self) -> None:
        """Raise KeyCustodyError unless the custody would work now; keeps a login alive where the adapter has one."""


def require_data_key(data_key: bytes) -> None:
    """Every adapter refuses to wrap anything but a whole key."""
    if len(data_key) != DATA_KEY_LENGTH:
        raise KeyCustodyError(f"a data key has {DATA_KEY_LENGTH} bytes")


def does_not_open() -> KeyCustodyError:
    """The one message for a wrapped key that is damaged, moved or foreign: the row is at fault, not the custody."""
    return KeyCustodyError(
        "a wrapped data key does not open: its row was changed or moved to another account; "
        "restore the database's account_key table from a backup"
    )


def require_round_trip(custody: KeyCustody) -> None:
    """Raise KeyCustodyError unless every key of the custody, of which there is one at least, wraps and unwraps now."""
    key_ids = custody.key_ids()
    if not key_ids:
        raise KeyCustodyError("the custody has no key; make one with `tonevault keys init`")
    probe = bytes(DATA_KEY_LENGTH)
    for key_id in key_ids:
        if custody.unwrap(custody.wrap(probe, CHECK_CONTEXT, key_id), CHECK_CONTEXT, key_id) != probe:
            raise KeyCustodyError(f"the custody gave another key back than it was given, under {key_id}")
