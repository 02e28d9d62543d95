"""Two custodians, an account, and as many cards as a test wants; light enough for a process that is killed again and again."""

from argon2 import PasswordHasher

from tonevault.cde.keys.ceremonies import Person
from tonevault.kernel.ids import AccountId

ALICE = Person("alice", "the phrase of alice")
BORIS = Person("boris", "the phrase of boris")
QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
"""Tests hash often, and what they hash is no secret."""
ACME = AccountId("acme")


def card_digits(place: int) -> bytes:
    """One of a billion valid card numbers."""
    body = f"424242{place:09d}"
    doubled = sum(sum(divmod(2 * int(d), 10)) if i % 2 == 0 else int(d) for i, d in enumerate(body))
    return f"{body}{-doubled % 10}".encode()
