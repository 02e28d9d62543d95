"""Whether an act on keys could be done at all, looked at before two people give their passphrases for it. The act itself looks again."""

from typing import assert_never

from sqlalchemy import Connection

from tonevault.cde.keys import store
from tonevault.cde.keys.epochs import accounts_with_keys
from tonevault.cde.keys.errors import CeremonyRefusedError, KeyActRefusedError
from tonevault.cde.keys.model import KeyAct, require_subject
from tonevault.cde.vault.key_store import EVERY_ACCOUNT
from tonevault.kernel.ids import AccountId


def require_possible(connection: Connection, act: KeyAct, subject: str) -> None:
    """Raises KeyActRefusedError with what is in the way."""
    require_subject(act, subject)
    match act:
        case KeyAct.REKEY | KeyAct.REKEY_INDEX | KeyAct.SHRED:
            accounts_meant(accounts_with_keys(connection), subject)
        case KeyAct.ENROL:
            if store.was_given(connection, subject):
                raise name_was_given()
        case KeyAct.DISMISS:
            require_two_stay(connection, subject)
        case KeyAct.ROTATE | KeyAct.RETIRE | KeyAct.RECOVER:
            pass
        case _:
            assert_never(act)


def accounts_meant(accounts: list[AccountId], subject: str) -> list[AccountId]:
    """Those of `accounts`, which have keys, that an act is about. Raises KeyActRefusedError where there is none."""
    if subject != EVERY_ACCOUNT and subject not in accounts:
        raise KeyActRefusedError(
            "--account: has no keys; an account gets them with its first card, and `tonevault keys status` lists those that have"
        )
    if not accounts:
        raise KeyActRefusedError("no account has keys yet; each gets them with its first card")
    return [each for each in accounts if subject in (EVERY_ACCOUNT, each)]


def name_was_given() -> CeremonyRefusedError:
    """A newcomer cannot have this name."""
    return CeremonyRefusedError(
        "NAME: was given before, and the audit log would not tell the two apart; choose another"
    )


def require_two_stay(connection: Connection, name: str) -> None:
    """Raises CeremonyRefusedError unless `name` may leave."""
    names = [each.name for each in store.custodians(connection)]
    if name not in names:
        raise CeremonyRefusedError("NAME: is no custodian's; `tonevault keys status` lists them")
    if len(names) < 3:
        raise CeremonyRefusedError(
            "two custodians must stay; enrol the successor first: `tonevault keys custodian add`"
        )
