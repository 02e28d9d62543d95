"""What a ceremony is and how it goes on: proposed by one custodian, approved by another within the hour, carried out."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from tonevault.cde.keys.errors import CeremonyRefusedError
from tonevault.kernel.ids import ACCOUNT_PATTERN

APPROVAL_WINDOW: Final = timedelta(hours=1)
"""Long enough to walk over to the second custodian, too short for a proposal to be forgotten and approved out of habit."""
MAX_FAILURES: Final = 6
LOCKED_FOR: Final = timedelta(minutes=30)
"""PCI DSS 8.3.4: after at most ten wrong attempts, at least 30 minutes."""
MIN_PASSPHRASE: Final = 12
MAX_PASSPHRASE: Final = 128
"""PCI DSS 8.3.6; longer ones only cost hashing time."""
PASSPHRASE_RULE: Final = f"a custodian's passphrase has {MIN_PASSPHRASE} to {MAX_PASSPHRASE} characters"
NAME_PATTERN: Final = r"^[a-z][a-z.-]{0,62}[a-z]$"
NAME_RULE: Final = (
    "a custodian's name has 2 to 64 small letters, points and hyphens, and begins and ends with a letter"
)
ACCOUNT_OR_ALL: Final = rf"^\*$|{ACCOUNT_PATTERN}"
REFERENCE_PATTERN: Final = (
    r"^(?:\*|[0-9]{1,6}"
    r"|arn:[a-z-]+:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]{1,64}|alias/[A-Za-z][A-Za-z/_-]{0,127}"
    r"|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|mrk-[0-9a-f]{32})$"
)
"""A key that a custody's keeper made: a version of Vault's, an ARN, alias or id of KMS. A card number has none of these shapes."""
CEREMONY: Final = "cer"
"""Prefix of ceremonies' ids."""


class KeyAct(StrEnum):
    """Acts that make, destroy or bring back key material, or say who may: each takes two people (PCI DSS 3.7.6)."""

    ROTATE = "rotate"
    REKEY = "rekey"
    REKEY_INDEX = "rekey-index"
    """The data key and the index key together."""
    RETIRE = "retire"
    RECOVER = "recover"
    SHRED = "shred"
    ENROL = "enrol"
    DISMISS = "dismiss"


SUBJECTS: Final[dict[KeyAct, tuple[str, str]]] = {
    KeyAct.ROTATE: (
        REFERENCE_PATTERN,
        "--key: must be a key's ARN, id or alias in KMS, or the number of a version in Vault",
    ),
    KeyAct.REKEY: (ACCOUNT_OR_ALL, "--account: must be the id of an account"),
    KeyAct.REKEY_INDEX: (ACCOUNT_OR_ALL, "--account: must be the id of an account"),
    KeyAct.RETIRE: (r"^\*$", "retires whatever can be"),
    KeyAct.RECOVER: (
        r"^(?:custodian-one|custodian-two|escrow)$",
        "HOLDER: must be custodian-one, custodian-two or escrow",
    ),
    KeyAct.SHRED: (ACCOUNT_PATTERN, "--account: must be the id of an account"),
    KeyAct.ENROL: (NAME_PATTERN, NAME_RULE),
    KeyAct.DISMISS: (NAME_PATTERN, NAME_RULE),
}
"""What an act may be about, and the rule in words: what is typed is stored and logged, so nothing else may stand there."""


def require_name(name: str) -> None:
    """Raises CeremonyRefusedError with the rule, without what was typed."""
    if re.match(NAME_PATTERN, name) is None:
        raise CeremonyRefusedError(NAME_RULE)


def require_subject(act: KeyAct, subject: str) -> None:
    """Raises CeremonyRefusedError with the rule, without what was typed."""
    pattern, rule = SUBJECTS[act]
    if re.match(pattern, subject) is None:
        raise CeremonyRefusedError(rule)


class CeremonyState(StrEnum):
    """How far a ceremony is. A proposal whose time is over is expired without anybody writing it down."""

    PROPOSED = "proposed"
    APPROVED = "approved"
    CARRIED_OUT = "carried_out"


@dataclass(frozen=True, slots=True)
class Custodian:
    """Somebody who may hold ceremonies."""

    name: str
    credential: str
    enrolled_at: datetime
    failures: int
    locked_until: datetime | None

    def require_unlocked(self, now: datetime) -> None:
        """Raises CeremonyRefusedError while too many wrong passphrases keep the name locked."""
        if self.locked_until is not None and now < self.locked_until:
            raise CeremonyRefusedError(
                f"{self.name}: locked after {MAX_FAILURES} wrong passphrases; try again at {self.locked_until:%H:%M} UTC"
            )


@dataclass(frozen=True, slots=True)
class Ceremony:
    """One act in the hands of two people. `subject` is what it is about: an account, a share's holder, a name, or `*`."""

    ceremony_id: str
    act: KeyAct
    subject: str
    state: CeremonyState
    proposer: str
    approver: str | None
    proposed_at: datetime
    expires_at: datetime

    def require_open(self, now: datetime) -> None:
        """Raises CeremonyRefusedError when it is over."""
        if self.state is CeremonyState.CARRIED_OUT:
            raise CeremonyRefusedError(f"{self.ceremony_id}: has been carried out; propose the act again")
        if now >= self.expires_at:
            raise CeremonyRefusedError(
                f"{self.ceremony_id}: its time was over at {self.expires_at:%H:%M} UTC; propose the act again"
            )

    def require_second(self, name: str) -> None:
        """Raises CeremonyRefusedError unless `name` may approve: another than the proposer, and the same one if it is repeated."""
        if name == self.proposer:
            raise CeremonyRefusedError(f"{name}: proposed this act; another custodian approves it")
        if self.state is CeremonyState.APPROVED and name != self.approver:
            raise CeremonyRefusedError(
                f"{self.ceremony_id}: {self.approver} has approved it and carries it out"
            )


@dataclass(frozen=True, slots=True)
class Mandate:
    """An approved ceremony in hand: what an act on keys takes as its right. Made by `ceremonies` alone."""

    ceremony: Ceremony

    def require(self, act: KeyAct, subject: str = "*") -> None:
        """Raises CeremonyRefusedError when the two people approved something else."""
        if (self.ceremony.act, self.ceremony.subject) != (act, subject):
            raise CeremonyRefusedError(
                f"{self.ceremony.ceremony_id}: was approved for {self.ceremony.act.value} of {self.ceremony.subject}"
            )
