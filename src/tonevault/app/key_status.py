"""The facts of `tonevault keys status`, gathered once and judged once: a table for people and an object for programs say the same."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from tonevault.app.key_settings import KeySettings
from tonevault.cde.keys.census import AccountLine, Census, KekLine
from tonevault.cde.keys.model import Ceremony, Custodian
from tonevault.cde.vault.key_store import KekState


class Remark(StrEnum):
    """What somebody should know of a key, or do about it."""

    NOT_WITH_CUSTODY = "not_with_custody"
    PAST_CRYPTOPERIOD = "past_cryptoperiod"
    NEEDS_REWRAP = "needs_rewrap"
    """It still wraps keys of accounts, which `keys rewrap` moves."""
    NEEDS_REKEY = "needs_rekey"
    """Cards are still sealed with it, which `keys rekey` seals anew."""
    MAY_BE_RETIRED = "may_be_retired"


@dataclass(frozen=True, slots=True)
class KeyStatus:
    """Everything that is known of the keys at one moment, and nothing secret."""

    census: Census
    custodians: list[Custodian]
    waiting: list[Ceremony]
    there: tuple[str, ...] | None
    """The keys with the custody; None where it does not work."""
    custody_fault: str | None
    settings: KeySettings
    at: datetime

    @property
    def kek_period(self) -> timedelta:
        """How old the key-encrypting key in force may become."""
        return timedelta(days=self.settings.cryptoperiod_days)

    @property
    def key_period(self) -> timedelta:
        """How old accounts' keys in force may become."""
        return timedelta(days=self.settings.data_cryptoperiod_days)

    @property
    def strangers(self) -> list[str]:
        """Keys that the custody has and the register does not know."""
        return sorted(set(self.there or ()) - {line.kek.key_id for line in self.census.keks})

    def of_kek(self, line: KekLine) -> Remark | None:
        """The gravest first: a key that is missing opens nothing, whatever its age."""
        kek = line.kek
        if kek.state is KekState.RETIRED:
            return None
        if self.there is not None and kek.key_id not in self.there:
            return Remark.NOT_WITH_CUSTODY
        if kek.state is KekState.KEPT:
            return Remark.NEEDS_REWRAP if line.wraps else Remark.MAY_BE_RETIRED
        return Remark.PAST_CRYPTOPERIOD if line.age(self.at) > self.kek_period else None

    def of_key(self, line: AccountLine) -> Remark | None:
        """A key that is superseded waits for its cards, or for its end."""
        if line.in_force:
            return Remark.PAST_CRYPTOPERIOD if self.at - line.made_at > self.key_period else None
        return Remark.NEEDS_REKEY if line.cards else Remark.MAY_BE_RETIRED

    def is_locked(self, custodian: Custodian) -> bool:
        """Whether too many wrong passphrases keep the name from ceremonies just now."""
        return custodian.locked_until is not None and self.at < custodian.locked_until
