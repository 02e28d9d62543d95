"""The one place that chooses the custody of key-encrypting keys, and gives it its secrets."""

import asyncio
import os
from collections.abc import Mapping
from typing import Final, assert_never

from tonevault.app.embedded import Places
from tonevault.app.key_settings import KeySettings
from tonevault.cde.custodies.file import FileCustody, Holder, Passphrases, SharePaths
from tonevault.cde.key_custody import CustodyKind, KeyCustody, KeyCustodyError
from tonevault.cde.vault import key_store
from tonevault.cde.vault.key_store import KekState
from tonevault.plumbing.secret_sources.reader import SecretReader
from tonevault.plumbing.secret_sources.reference import SecretReference, SecretUnavailableError
from tonevault.plumbing.settings import SettingsError
from tonevault.plumbing.sql import Database

_PASSPHRASES: Final = {
    Holder.CUSTODIAN_ONE: "passphrase_one",
    Holder.CUSTODIAN_TWO: "passphrase_two",
    Holder.ESCROW: "passphrase_escrow",
}


def open_custody(settings: KeySettings, where: Places, environ: Mapping[str, str] = os.environ) -> KeyCustody:
    """The custody as configured, with whatever keys it has. Raises KeyCustodyError, and SettingsError for a secret."""
    match settings.custody:
        case "file":
            return FileCustody(share_paths(where), share_passphrases(settings, environ))
        case "pkcs11" | "aws-kms" | "vault-transit":
            raise SettingsError(["secure.keys.custody: is not built yet"])
        case _:
            assert_never(settings.custody)


async def ready_custody(settings: KeySettings, where: Places, database: Database) -> KeyCustody:
    """The custody for a process that serves, with the key in force. Raises KeyCustodyError and SettingsError.

    Only the file custody makes a first key by itself, and only where neither a share nor a register tells of one: whatever else
    is missing was lost, and a new key would hide that.
    """
    custody = await asyncio.to_thread(open_custody, settings, where)
    registered = await database.read(key_store.keks)
    if not custody.key_ids() and not registered and custody.kind is CustodyKind.FILE:
        await asyncio.to_thread(custody.make_key)
    in_force = next((kek for kek in reversed(registered) if kek.state is KekState.IN_FORCE), None)
    if in_force is not None and in_force.key_id not in custody.key_ids():
        raise KeyCustodyError(
            f"the key in force, {in_force.key_id} ({in_force.custody.value}), is not with the custody; put back two of its "
            "three shares (`tonevault keys recover` rebuilds one), or correct secure.keys"
        )
    return custody


def share_paths(where: Places) -> SharePaths:
    """The folders of the file custody."""
    return SharePaths(where.custodian_one, where.custodian_two, where.escrow)


def share_passphrases(settings: KeySettings, environ: Mapping[str, str]) -> Passphrases:
    """What the shares are sealed with, of those holders who have a passphrase. Raises SettingsError."""
    found: dict[Holder, str] = {}
    for holder, name in _PASSPHRASES.items():
        place: SecretReference | None = getattr(settings, name)
        if place is not None:
            found[holder] = _secret(f"secure.keys.{name}", place, environ)
    return Passphrases(found)


def _secret(setting: str, place: SecretReference, environ: Mapping[str, str]) -> str:
    try:
        return SecretReader(environ).read(place).get_secret_value()
    except SecretUnavailableError as error:
        raise SettingsError([f"{setting}: {error}"]) from None
