"""What the commands on keys print: the table of `keys status`, and what to do with the shares that were just written."""

from collections.abc import Iterator
from typing import Final

from tonevault.app.embedded import Places
from tonevault.app.key_custody import share_paths
from tonevault.app.key_status import KeyStatus, Remark
from tonevault.cde.custodies.file import Holder
from tonevault.cde.keys.model import Custodian, KeyAct
from tonevault.cde.vault.key_store import EVERY_ACCOUNT

KEK_NOTES: Final = {
    None: "",
    Remark.NOT_WITH_CUSTODY: "  NOT WITH THE CUSTODY: see docs/keys.md",
    Remark.PAST_CRYPTOPERIOD: "  past its cryptoperiod: rotate, rewrap, retire",
    Remark.NEEDS_REWRAP: "  `tonevault keys rewrap` frees it",
    Remark.MAY_BE_RETIRED: "  may be retired",
}
KEY_NOTES: Final = {
    None: "",
    Remark.PAST_CRYPTOPERIOD: "  past its cryptoperiod: rekey, retire",
    Remark.NEEDS_REKEY: "  `tonevault keys rekey` frees it",
    Remark.MAY_BE_RETIRED: "  may be retired when no card waits",
}


def status_lines(status: KeyStatus) -> Iterator[str]:
    """The table of `keys status`."""
    yield from _kek_lines(status)
    yield ""
    yield from _account_lines(status)
    yield ""
    named = ", ".join(_named(status, each) for each in status.custodians)
    yield f"custodians: {named}" if named else "custodians: none; `tonevault keys init` enrols the first two"
    for each in status.waiting:
        cut_short = f", approved by {each.approver} and not carried out" if each.approver else ""
        yield (
            f"waiting: {each.ceremony_id}, {in_words(each.act, each.subject)}, proposed by {each.proposer}{cut_short}, "
            f"until {each.expires_at:%H:%M} UTC"
        )


def in_words(act: KeyAct, subject: str) -> str:
    """What somebody is asked to approve, so that nobody has to know the commands to understand it."""
    account = "every account" if subject == EVERY_ACCOUNT else f"the account {subject}"
    match act:
        case KeyAct.ROTATE:
            key = "a new key" if subject == EVERY_ACCOUNT else f"the key {subject}"
            return f"rotate (put {key} into force)"
        case KeyAct.REKEY:
            return f"rekey (seal the cards of {account} anew)"
        case KeyAct.REKEY_INDEX:
            return f"rekey --index (seal and index the cards of {account} anew)"
        case KeyAct.RETIRE:
            return "retire (destroy the keys that nothing needs any more)"
        case KeyAct.RECOVER:
            return f"recover (write the lost shares of {subject} again)"
        case KeyAct.SHRED:
            return f"shred (delete the keys of {account}: its cards never open again)"
        case KeyAct.ENROL:
            return f"custodian add ({subject} becomes a custodian)"
        case KeyAct.DISMISS:
            return f"custodian remove ({subject} is a custodian no more)"


def _named(status: KeyStatus, custodian: Custodian) -> str:
    if not status.is_locked(custodian):
        return custodian.name
    return f"{custodian.name} (locked until {custodian.locked_until:%H:%M} UTC)"


def _kek_lines(status: KeyStatus) -> Iterator[str]:
    yield f"{'key-encrypting key':<34} {'custody':<14} {'state':<9} {'age':>6} {'of':>6}  {'wraps':>6}"
    for line in status.census.keks:
        kek = line.kek
        age = f"{line.age(status.at).days} d"
        yield (
            f"{kek.key_id:<34} {kek.custody.value:<14} {kek.state.value.replace('_', ' '):<9} "
            f"{age:>6} {f'{status.kek_period.days} d':>6}  {line.wraps:>6}{KEK_NOTES[status.of_kek(line)]}"
        )
    if not status.census.keks:
        yield "none yet: it is made at the first start, or by `tonevault keys init`"
    for key_id in status.strangers:
        yield f"{key_id:<34} is with the custody and was never in force: left by a rotation that was cut short, or another's"


def _account_lines(status: KeyStatus) -> Iterator[str]:
    yield f"{'account':<24} {'key':<6} {'epoch':>5} {'state':<11} {'age':>6} {'of':>6}  {'cards':>9}"
    for line in status.census.keys:
        age = f"{(status.at - line.made_at).days} d"
        state = "in force" if line.in_force else "superseded"
        cards = "" if line.cards is None else f"{line.cards:,}"
        yield (
            f"{line.account:<24} {line.purpose.value:<6} {line.epoch:>5} {state:<11} "
            f"{age:>6} {f'{status.key_period.days} d':>6}  {cards:>9}{KEY_NOTES[status.of_key(line)]}"
        )
    if not status.census.keys:
        yield "none yet: an account's keys are made with its first card"


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
