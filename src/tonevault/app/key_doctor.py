"""What the doctor says of the keys: whether the custody works and can be recovered, and whether keys are past their time."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from tonevault.app.embedded import Places
from tonevault.app.findings import Finding, Level
from tonevault.app.key_custody import open_custody, share_paths
from tonevault.app.key_settings import KeySettings
from tonevault.cde.custodies.file import Holder
from tonevault.cde.key_custody import KeyCustody, KeyCustodyError
from tonevault.cde.vault import key_store
from tonevault.cde.vault.key_store import Kek, KekState, StoredKey
from tonevault.plumbing.migrations import DatabaseUnusableError, open_database
from tonevault.plumbing.settings import SettingsError

PAGE = "docs/keys.md tells what to do"


def examine_keys(settings: KeySettings, where: Places) -> Iterator[Finding]:
    """Nothing is made or changed. The register is read only where the database is there at its newest schema."""
    register, in_force = _in_database(where)
    try:
        custody = open_custody(settings, where)
        if register or custody.key_ids():
            custody.check()
    except KeyCustodyError as error:
        yield Finding(Level.FAULT, "keys", str(error), PAGE)
        return
    except SettingsError as error:
        for problem in error.problems:
            yield Finding(Level.FAULT, "keys", problem, "docs/configuration.md explains every setting")
        return
    yield from _custody(settings, where, custody, register)
    yield from _ages(settings, register, in_force)


def _custody(
    settings: KeySettings, where: Places, custody: KeyCustody, register: list[Kek]
) -> Iterator[Finding]:
    there = custody.key_ids()
    lost = [kek for kek in register if kek.state is not KekState.RETIRED and kek.key_id not in there]
    for kek in lost:
        yield Finding(
            Level.FAULT,
            "keys",
            f"{kek.key_id} ({kek.custody.value}) is not with the custody {settings.custody}",
            "put back two of its three shares (`tonevault keys recover`), or correct secure.keys",
        )
    if lost:
        return
    if there:
        yield Finding(Level.OK, "keys", f"the custody {settings.custody} works; keys: {len(there)}")
    elif settings.custody == "file":
        yield Finding(Level.OK, "keys", "will be made at the first start")
    else:
        yield Finding(Level.FAULT, "keys", "there is none yet", "make one: `tonevault keys init`")
    if settings.custody == "file":
        yield from _shares(where)


def _shares(where: Places) -> Iterator[Finding]:
    paths = share_paths(where)
    if any(paths.escrow.glob("*.share")):
        yield Finding(
            Level.WARNING,
            "keys",
            f"the escrow's shares lie on this machine: {paths.escrow}",
            "move them to a safe elsewhere: with either custodian's share they make the key",
        )
    folders = [paths.of(holder) for holder in (Holder.CUSTODIAN_ONE, Holder.CUSTODIAN_TWO)]
    if all(folder.is_dir() for folder in folders) and len({_device(folder) for folder in folders}) == 1:
        yield Finding(
            Level.OK, "keys", "both custodians' shares lie on one disk; whoever copies it has the keys"
        )


def _ages(settings: KeySettings, register: list[Kek], in_force: list[StoredKey]) -> Iterator[Finding]:
    period = timedelta(days=settings.cryptoperiod_days)
    for kek in register:
        age = datetime.now(UTC) - kek.made_at
        if kek.state is KekState.IN_FORCE and age > period:
            yield Finding(
                Level.WARNING,
                "keys",
                f"the key in force is {age.days} days old, and its cryptoperiod is {period.days}",
                "`tonevault keys rotate`, then `rewrap` and `retire`",
            )
    period = timedelta(days=settings.data_cryptoperiod_days)
    old = {key.account for key in in_force if datetime.now(UTC) - key.created_at > period}
    if old:
        yield Finding(
            Level.WARNING,
            "keys",
            f"the keys of {len(old)} accounts are past their cryptoperiod of {period.days} days",
            "`tonevault keys rekey --index`, then `retire`; `keys status` lists them",
        )


def _in_database(where: Places) -> tuple[list[Kek], list[StoredKey]]:
    """The register and accounts' keys in force, or nothing where they cannot be read: the doctor's look at the database says why."""
    try:
        database = open_database(where.secure_database)
        try:
            if database.is_sqlite and not Path(database.engine.url.database or "").exists():
                return [], []
            return database.read_now(lambda c: (key_store.keks(c), key_store.keys_in_force(c)))
        finally:
            database.close_now()
    except (DatabaseUnusableError, SQLAlchemyError):
        return [], []


def _device(path: Path) -> int:
    return path.stat().st_dev
