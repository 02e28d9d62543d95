"""The one place that chooses the custody of key-encrypting keys, and gives it its secrets."""

import asyncio
import os
from collections.abc import Mapping
from typing import assert_never

from tonevault.app.embedded import Places
from tonevault.app.key_settings import AwsKmsSettings, CustodyName, KeySettings, Pkcs11Settings
from tonevault.cde.custodies.file import FileCustody, Holder, Passphrases, SharePaths
from tonevault.cde.custodies.succession import Succession
from tonevault.cde.key_custody import (
    CHECK_CONTEXT,
    DATA_KEY_LENGTH,
    CustodyKind,
    KeyCustody,
    KeyCustodyError,
    KeyCustodyUnavailableError,
)
from tonevault.cde.vault import key_store
from tonevault.cde.vault.key_store import Kek, KekState
from tonevault.plumbing.log import get_logger
from tonevault.plumbing.secret_sources.aws_secrets_manager import REGION_VARIABLES
from tonevault.plumbing.secret_sources.reader import SecretReader
from tonevault.plumbing.secret_sources.reference import SecretReference, SecretUnavailableError
from tonevault.plumbing.settings import SettingsError
from tonevault.plumbing.sql import Database

log = get_logger(__name__)


def open_custody(settings: KeySettings, where: Places, environ: Mapping[str, str] = os.environ) -> KeyCustody:
    """The custody as configured, with whatever keys it has. Raises KeyCustodyError, and SettingsError for a secret."""
    custody = _open(settings.custody, settings, where, environ)
    if settings.custody_before is None:
        return custody
    return Succession(custody, _open(settings.custody_before, settings, where, environ))


def _open(name: CustodyName, settings: KeySettings, where: Places, environ: Mapping[str, str]) -> KeyCustody:
    match name:
        case "file":
            return FileCustody(share_paths(where), share_passphrases(settings, environ))
        case "pkcs11":
            return _open_pkcs11(settings.pkcs11, environ)
        case "aws-kms":
            return _open_aws_kms(settings.aws_kms, environ)
        case "vault-transit":
            from tonevault.cde.custodies.vault_transit import VaultPlace, VaultTransitCustody  # noqa: PLC0415

            transit = settings.vault_transit
            return VaultTransitCustody(VaultPlace.of(environ), transit.mount, transit.key)
        case _:
            assert_never(name)


async def ready_custody(settings: KeySettings, where: Places, database: Database) -> KeyCustody:
    """The custody for a process that serves, with the key in force. Raises KeyCustodyError and SettingsError.

    Only the file custody makes a first key by itself, and only where neither a share nor a register tells of one: whatever else
    is missing was lost, and a new key would hide that.
    """
    custody = await asyncio.to_thread(open_custody, settings, where)
    registered = await database.read(key_store.keks)
    there = await asyncio.to_thread(custody.key_ids)
    if not there and not registered:
        if custody.kind is not CustodyKind.FILE:
            raise KeyCustodyError("there is no key-encrypting key yet; make one with `tonevault keys init`")
        there = (await asyncio.to_thread(custody.make_key),)
        log.info("a first key was made; carry its escrow share away (docs/keys.md)", folder=str(where.escrow))
    for kek in registered:
        if kek.state is not KekState.RETIRED and kek.key_id not in there:
            await asyncio.to_thread(_miss, custody, kek)
    return custody


def _miss(custody: KeyCustody, kek: Kek) -> None:
    """A key that is needed is not there. Raises KeyCustodyError for the one in force; accounts under an older one wait for it."""
    try:
        # The custody itself knows best what is wrong with it, down to the file.
        custody.wrap(bytes(DATA_KEY_LENGTH), CHECK_CONTEXT, kek.key_id)
    except KeyCustodyUnavailableError:
        raise
    except KeyCustodyError as error:
        if kek.state is KekState.IN_FORCE:
            raise KeyCustodyError(f"the key in force, {kek.key_id} ({kek.custody.value}): {error}") from None
        log.error("a key that is still needed is not with the custody", key=kek.key_id, error=str(error))  # noqa: TRY400


def share_paths(where: Places) -> SharePaths:
    """The folders of the file custody."""
    return SharePaths(where.custodian_one, where.custodian_two, where.escrow)


def share_passphrases(settings: KeySettings, environ: Mapping[str, str]) -> Passphrases:
    """What the shares are sealed with, of those holders who have a passphrase. Raises SettingsError."""
    places = {
        Holder.CUSTODIAN_ONE: ("passphrase_one", settings.passphrase_one),
        Holder.CUSTODIAN_TWO: ("passphrase_two", settings.passphrase_two),
        Holder.ESCROW: ("passphrase_escrow", settings.passphrase_escrow),
    }
    return Passphrases(
        {
            holder: _secret(f"secure.keys.{name}", place, environ)
            for holder, (name, place) in places.items()
            if place is not None
        }
    )


def _open_pkcs11(settings: Pkcs11Settings, environ: Mapping[str, str]) -> KeyCustody:
    try:
        from tonevault.cde.custodies.pkcs11 import ModulePlace, Pkcs11Custody  # noqa: PLC0415 - an extra
    except ImportError:
        raise _extra_missing("pkcs11", "python-pkcs11") from None
    # The settings have been checked to be whole.
    assert settings.module is not None  # noqa: S101
    assert settings.token is not None  # noqa: S101
    assert settings.pin is not None  # noqa: S101
    pin = _secret("secure.keys.pkcs11.pin", settings.pin, environ)
    return Pkcs11Custody(ModulePlace(settings.module, settings.token, pin))


def _open_aws_kms(settings: AwsKmsSettings, environ: Mapping[str, str]) -> KeyCustody:
    try:
        from tonevault.cde.custodies.aws_kms import AwsKmsCustody, KmsPlace  # noqa: PLC0415 - an extra
    except ImportError:
        raise _extra_missing("aws", "boto3") from None
    region = settings.region or next((environ[each] for each in REGION_VARIABLES if environ.get(each)), None)
    return AwsKmsCustody(KmsPlace(region, settings.endpoint, settings.alias))


def _extra_missing(extra: str, package: str) -> SettingsError:
    return SettingsError(
        [f"secure.keys.custody: needs {package}, which is not installed; pip install tonevault[{extra}]"]
    )


def _secret(setting: str, place: SecretReference, environ: Mapping[str, str]) -> str:
    try:
        return SecretReader(environ).read(place).get_secret_value()
    except SecretUnavailableError as error:
        raise SettingsError([f"{setting}: {error}"]) from None
