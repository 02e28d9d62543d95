"""Secrets that open an account: API keys, log-in cookies and tickets. Each names its account, and only its digest is stored."""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from tonevault.desk.keyed_digest import KeyedDigest
from tonevault.kernel.ids import ACCOUNT_PATTERN, AccountId, Entropy, make_secret_id


class SecretKind(StrEnum):
    """What the secret opens; its value is the prefix by which people and leak scanners know it."""

    API_KEY = "tv"
    LOG_IN = "tvs"
    TICKET = "tvt"


_SHAPE: Final = re.compile(rf"(tvs|tvt|tv)_({ACCOUNT_PATTERN[1:-1]})_([a-z]{{28}})", re.ASCII)
MAX_LENGTH: Final = 3 + 1 + 32 + 1 + 28


@dataclass(frozen=True, slots=True, repr=False)
class Secret:
    """One secret: `tv_demo_` and 28 letters (131 bits). Its text is for whoever it is made for, never for a log."""

    kind: SecretKind
    account_id: AccountId
    letters: str

    @property
    def text(self) -> str:
        """As it is shown once and sent back."""
        return f"{self.kind}_{self.account_id}_{self.letters}"

    def digest(self, digests: KeyedDigest) -> bytes:
        """What is stored and looked up instead."""
        return digests.of(f"secret:{self.kind}", self.account_id.encode(), self.letters.encode())

    def csrf_token(self, digests: KeyedDigest) -> str:
        """Bound to this log-in, and of no use without its cookie."""
        return digests.of("csrf", self.account_id.encode(), self.letters.encode()).hex()

    def __repr__(self) -> str:
        return f"<Secret {self.kind}>"


def make_secret(kind: SecretKind, account_id: AccountId, entropy: Entropy) -> Secret:
    """A new one."""
    return Secret(kind, account_id, make_secret_id("x", entropy)[2:])


def read_secret(text: str, kind: SecretKind) -> Secret | None:
    """Parse what a client sent; None for anything that was never a secret of this kind."""
    if len(text) > MAX_LENGTH:
        return None
    match = _SHAPE.fullmatch(text)
    if match is None or match[1] != kind.value:
        return None
    return Secret(kind, AccountId(match[2]), match[3])
