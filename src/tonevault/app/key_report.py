"""What the commands on keys print: the table of `keys status`, and what to do with the shares that were just written."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from tonevault.app.embedded import Places
from tonevault.app.key_custody import share_paths
from tonevault.app.key_settings import KeySettings
from tonevault.cde.custodies.file import Holder
from tonevault.cde.keys.census import Census
from tonevault.cde.keys.model import Ceremony, Custodian
from tonevault.cde.vault.key_store import KekState


def status_lines(
    census: Census,
    people: tuple[list[Custodian], list[Ceremony]],
    there: tuple[str, ...] | None,
    settings: KeySettings,
    now: datetime,
) -> Iterator[str]:
    """The table. `there`: the keys with the custody; None where it does not answer."""
    yield from _kek_lines(census, there, timedelta(days=settings.cryptoperiod_days), now)
    yield ""
    yield from _account_lines(census, timedelta(days=settings.data_cryptoperiod_days), now)
    custodians, waiting = people
    yield ""
    named = ", ".join(each.name for each in custodians)
    yield f"custodians: {named}" if named else "custodians: none; `tonevault keys init` enrols the first two"
    for each in waiting:
        yield (
            f"waiting: {each.ceremony_id}, {each.act.value} of {each.subject}, proposed by {each.proposer}, "
            f"until {each.expires_at:%H:%M} UTC"
        )


def _kek_lines(
    census: Census, there: tuple[str, ...] | None, period: timedelta, now: datetime
) -> Iterator[str]:
    yield f"{'key-encrypting key':<34} {'custody':<14} {'state':<9} {'age':>6} {'of':>6}  {'wraps':>6}"
    for line in census.keks:
        kek = line.kek
        note = ""
        if kek.state is KekState.IN_FORCE and line.age(now) > period:
            note = "  past its cryptoperiod: rotate, rewrap, retire"
        elif there is not None and kek.state is not KekState.RETIRED and kek.key_id not in there:
            note = "  NOT WITH THE CUSTODY: see docs/keys.md"
        elif kek.state is KekState.KEPT:
            note = "  may be retired" if not line.wraps else "  `tonevault keys rewrap` frees it"
        age = f"{line.age(now).days} d"
        yield (
            f"{kek.key_id:<34} {kek.custody.value:<14} {kek.state.value.replace('_', ' '):<9} "
            f"{age:>6} {f'{period.days} d':>6}  {line.wraps:>6}{note}"
        )
    if not census.keks:
        yield "none yet: it is made at the first start, or by `tonevault keys init`"
    for key_id in set(there or ()) - {line.kek.key_id for line in census.keks}:
        yield f"{key_id:<34} is with the custody and was never in force: left by a rotation that was cut short, or another's"


def _account_lines(census: Census, period: timedelta, now: datetime) -> Iterator[str]:
    yield f"{'account':<24} {'key':<6} {'epoch':>5} {'state':<11} {'age':>6} {'of':>6}  {'cards':>9}"
    for line in census.keys:
        age = now - line.made_at
        note = ""
        if line.in_force and age > period:
            note = "  past its cryptoperiod: rekey, retire"
        elif not line.in_force and line.cards:
            note = "  `tonevault keys rekey` frees it"
        elif not line.in_force:
            note = "  may be retired when no card waits"
        state = "in force" if line.in_force else "superseded"
        cards = "" if line.cards is None else f"{line.cards:,}"
        yield (
            f"{line.account:<24} {line.purpose.value:<6} {line.epoch:>5} {state:<11} "
            f"{f'{age.days} d':>6} {f'{period.days} d':>6}  {cards:>9}{note}"
        )


def share_lines(where: Places, key_id: str) -> Iterator[str]:
    """Where the three shares of a new key lie, and what they are good for."""
    paths = share_paths(where)
    yield f"The shares of {key_id}:"
    for holder in Holder:
        yield f"  {holder.words:<14} {paths.share(holder, key_id)}"
    yield "Any two of the three make the key; with fewer, the cards under it are lost for good."
    yield "Now: move the escrow's share to a safe elsewhere, and have each custodian keep a copy of his own share, never of both."
    yield "A start needs both custodians' shares. If one is lost: put the other's and the escrow's in their folders and run"
    yield "  tonevault keys recover custodian-one   (or custodian-two, or escrow)"
