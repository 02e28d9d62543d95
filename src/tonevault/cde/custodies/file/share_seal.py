"""A share under its holder's passphrase: Argon2id, then AES-256-GCM bound to the file's head. Refuses parameters it did not write."""

import secrets
from dataclasses import dataclass
from typing import Final

from argon2.low_level import Type, hash_secret_raw
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

TIME_COST: Final = 3
MEMORY_KIB: Final = 65_536
LANES: Final = 4
"""RFC 9106 section 4, the second recommended option: 64 MiB, three passes, four lanes."""
SALT_LENGTH: Final = 16
NONCE_LENGTH: Final = 12
KEY_LENGTH: Final = 32
MIN_PASSPHRASE: Final = 12
"""PCI DSS 8.3.6."""


class WrongPassphraseError(Exception):
    """The passphrase is not the one that the share was sealed with."""


@dataclass(frozen=True, slots=True)
class Seal:
    """How a share is sealed: the function's name, whose parameters are fixed here, and the salt."""

    salt: bytes

    def text(self) -> str:
        """As the file's `seal` line has it."""
        return f"argon2id-{TIME_COST}-{MEMORY_KIB}-{LANES} {self.salt.hex()}"

    @classmethod
    def parse(cls, text: str) -> "Seal":
        """Raises ValueError for another function or other parameters: a file must not choose how long this machine works."""
        name, _, salt = text.partition(" ")
        if name != f"argon2id-{TIME_COST}-{MEMORY_KIB}-{LANES}" or len(salt) != 2 * SALT_LENGTH:
            raise ValueError("not a seal that this release writes")
        return cls(bytes.fromhex(salt))

    def close(self, body: bytes, passphrase: str, bound_to: bytes) -> bytes:
        """Nonce, ciphertext and tag of a share."""
        nonce = secrets.token_bytes(NONCE_LENGTH)
        return nonce + self._cipher(passphrase).encrypt(nonce, body, bound_to)

    def open(self, sealed: bytes, passphrase: str, bound_to: bytes) -> bytes:
        """The share. Raises WrongPassphraseError."""
        try:
            return self._cipher(passphrase).decrypt(sealed[:NONCE_LENGTH], sealed[NONCE_LENGTH:], bound_to)
        except (InvalidTag, ValueError):
            raise WrongPassphraseError from None

    def _cipher(self, passphrase: str) -> AESGCM:
        return AESGCM(
            hash_secret_raw(passphrase.encode(), self.salt, TIME_COST, MEMORY_KIB, LANES, KEY_LENGTH, Type.ID)
        )


def new_seal() -> Seal:
    """A seal with a salt of its own."""
    return Seal(secrets.token_bytes(SALT_LENGTH))
