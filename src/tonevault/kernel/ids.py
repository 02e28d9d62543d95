"""Identifiers: who owns what. They are made of letters alone, so that no id can ever hold a digit of a card."""

import re
from collections.abc import Callable
from typing import Final, NewType

SessionId = NewType("SessionId", str)
TokenId = NewType("TokenId", str)
ChargeId = NewType("ChargeId", str)
CallId = NewType("CallId", str)
CustomerId = NewType("CustomerId", str)
EventId = NewType("EventId", str)
UserId = NewType("UserId", str)
ApiKeyId = NewType("ApiKeyId", str)
AccountId = NewType("AccountId", str)
OperationId = NewType("OperationId", str)

ALPHABET: Final = "abcdefghijklmnopqrstuvwxyz"
TIME_LETTERS: Final = 10
"""26**10 milliseconds reach past the year 6400; equal lengths make ids sort by the time they were made."""
RANDOM_LETTERS: Final = 18
"""18 letters are 84 bits: no collision among a million ids a millisecond for as long as anyone will look."""
SECRET_LETTERS: Final = 28
"""28 letters are 131 bits: what must not be guessed (a token) has at least the strength of AES-128."""

SESSION: Final = "ps"
TOKEN: Final = "tok"  # noqa: S105 - a prefix, not a password
CHARGE: Final = "ch"
CALL: Final = "call"
CUSTOMER: Final = "cus"
EVENT: Final = "ev"
USER: Final = "user"
API_KEY: Final = "key"
ATTEMPT: Final = "att"
REFUND: Final = "re"
CAPTURE: Final = "cap"
VOID: Final = "void"
SCHEDULE: Final = "sch"
SPLIT: Final = "spl"
RECONCILIATION: Final = "rec"

ID_PATTERN: Final = r"^[a-z]{2,5}_[a-z]{28}$"
ACCOUNT_PATTERN: Final = r"^[a-z](?:[a-z-]{0,30}[a-z])?$"

_PAIRS: Final = tuple(one + other for one in ALPHABET for other in ALPHABET)
"""Two letters a division: making the ids would else be a tenth of what a stored card costs."""
_SECRETS: Final = len(ALPHABET) ** SECRET_LETTERS

Entropy = Callable[[int], int]
"""Answers a uniform integer below its argument (`secrets.randbelow` in production, a seeded one in tests)."""


def _letters(number: int, width: int) -> str:
    """The last `width` letters of a number written in base 26; `width` is even."""
    out = []
    for _ in range(width // 2):
        number, rest = divmod(number, len(_PAIRS))
        out.append(_PAIRS[rest])
    return "".join(reversed(out))


def make_id(prefix: str, now_ms: int, entropy: Entropy) -> str:
    """An id that sorts by its time of making: `prefix_` and 28 letters (10 of time in ms, 18 random)."""
    time_part = _letters(now_ms % len(ALPHABET) ** TIME_LETTERS, TIME_LETTERS)
    return f"{prefix}_{time_part}{_letters(entropy(len(ALPHABET) ** RANDOM_LETTERS), RANDOM_LETTERS)}"


def make_secret_id(prefix: str, entropy: Entropy) -> str:
    """An id that nobody can guess: `prefix_` and 28 random letters (131 bits)."""
    return f"{prefix}_{_letters(entropy(_SECRETS), SECRET_LETTERS)}"


def is_id(text: str, prefix: str) -> bool:
    """Whether `text` has the shape of an id of this prefix."""
    return text.startswith(f"{prefix}_") and re.match(ID_PATTERN, text) is not None
