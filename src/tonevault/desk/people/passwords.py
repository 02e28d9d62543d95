"""Passwords: hashed with Argon2id, checked in constant work, made where none is given."""

import asyncio
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError

from tonevault.desk.refusal import invalid
from tonevault.kernel.ids import ALPHABET, Entropy

MIN_LENGTH: Final = 12
"""PCI DSS 8.3.6."""
MAX_LENGTH: Final = 128
"""Longer ones only cost hashing time."""
MADE_LENGTH: Final = 20
"""Twenty letters are 94 bits."""


class Passwords:
    """Argon2id with the RFC 9106 low-memory parameters unless another hasher is given. Work runs in a thread."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._of_nobody = self._hasher.hash("nobody has this password")

    async def hash(self, password: str) -> str:
        """The encoded hash; refuses a password that is too short or too long."""
        if not MIN_LENGTH <= len(password) <= MAX_LENGTH:
            raise invalid("password", "length", f"must have {MIN_LENGTH} to {MAX_LENGTH} characters")
        return await asyncio.to_thread(self._hasher.hash, password)

    async def matches(self, encoded: str | None, password: str) -> bool:
        """Whether the password is the one hashed. With None (no such user) the same work is done and the answer is no."""
        if len(password) > MAX_LENGTH:
            return False
        return await asyncio.to_thread(self._check, encoded, password)

    def _check(self, encoded: str | None, password: str) -> bool:
        try:
            self._hasher.verify(encoded or self._of_nobody, password)
        except (VerifyMismatchError, InvalidHashError):
            return False
        return encoded is not None


def make_password(entropy: Entropy) -> str:
    """A password of letters that people can type."""
    return "".join(ALPHABET[entropy(len(ALPHABET))] for _ in range(MADE_LENGTH))
