"""The choice of a custody by the settings, the extras it needs, and a start that never hides a lost key by a new one."""

import asyncio
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import ValidationError
from sqlalchemy import update
from tests.conformance.custodies.worlds import PIN, SOFTHSM, soft_tokens

from tonevault.app.embedded import places
from tonevault.app.findings import Level
from tonevault.app.key_custody import open_custody, ready_custody
from tonevault.app.key_doctor import examine_keys
from tonevault.app.key_settings import KeySettings
from tonevault.app.secure import run_secure
from tonevault.app.secure_database import open_secure_database
from tonevault.app.settings import TonevaultSettings
from tonevault.app.supervisor import TEMPORARY_EXIT
from tonevault.cde.custodies.file import share_file
from tonevault.cde.custodies.succession import Succession
from tonevault.cde.custodies.vault_transit import link
from tonevault.cde.key_custody import CustodyKind, KeyCustody, KeyCustodyError
from tonevault.cde.keys.ceremonies import Ceremonies
from tonevault.cde.keys.rotation import Rotation
from tonevault.cde.schema import KEY_ENCRYPTING_KEY
from tonevault.cde.vault.keys import KeyRing
from tonevault.kernel.ids import AccountId
from tonevault.plumbing.clock import WallClock
from tonevault.plumbing.entropy import SYSTEM_ENTROPY
from tonevault.plumbing.settings import SettingsError
from tonevault.testing.vault_transit import VaultDouble


def settings(tmp_path: Path, **keys: object) -> TonevaultSettings:
    return TonevaultSettings.model_validate({"data_dir": tmp_path / "data", "secure": {"keys": keys}})


def start(chosen: TonevaultSettings) -> KeyCustody:
    async def run() -> KeyCustody:
        where = places(chosen)
        database = open_secure_database(where)
        try:
            custody = await ready_custody(chosen.secure.keys, where, database)
            rotation = Rotation(database, custody, Ceremonies(database, WallClock(), SYSTEM_ENTROPY))
            await rotation.first(WallClock().utc())
            return custody
        finally:
            await database.close()

    return asyncio.run(run())


def test_files_are_the_default_and_a_first_start_makes_a_key(tmp_path: Path) -> None:
    custody = start(settings(tmp_path))
    assert custody.kind is CustodyKind.FILE
    assert start(settings(tmp_path)).key_ids() == custody.key_ids()


def test_shares_that_are_all_gone_are_not_replaced_by_a_new_key(tmp_path: Path) -> None:
    (key_id,) = start(settings(tmp_path)).key_ids()
    for share in tmp_path.rglob("*.share"):
        share.unlink()
    with pytest.raises(
        KeyCustodyError, match=rf"the key in force, {key_id} \(file\): the shares of .* are not here"
    ):
        start(settings(tmp_path))
    found = list(examine_keys(settings(tmp_path).secure.keys, places(settings(tmp_path))))
    assert [each.level for each in found] == [Level.FAULT]
    assert list(tmp_path.rglob("*.share")) == []


def test_a_service_without_a_key_is_not_given_one_by_a_start(tmp_path: Path) -> None:
    pin = tmp_path / "pin"
    pin.write_text(PIN)
    chosen = settings(
        tmp_path,
        custody="pkcs11",
        pkcs11={"module": SOFTHSM, "token": soft_tokens().pop(), "pin": f"file:{pin}"},
    )
    with pytest.raises(KeyCustodyError, match="make one with `tonevault keys init`"):
        start(chosen)
    found = list(examine_keys(chosen.secure.keys, places(chosen)))
    assert [(each.level, each.way_out) for each in found] == [
        (Level.FAULT, "make one: `tonevault keys init`")
    ]


def test_the_doctor_warns_of_an_escrow_that_stays(tmp_path: Path) -> None:
    start(settings(tmp_path))
    found = list(examine_keys(settings(tmp_path).secure.keys, places(settings(tmp_path))))
    assert [each.detail for each in found if each.level is Level.WARNING] == [
        f"the escrow's shares lie on this machine: {tmp_path / 'data' / 'secure' / 'keys' / 'escrow'}"
    ]


@pytest.mark.parametrize(
    ("custody", "package", "extra"), [("aws-kms", "boto3", "aws"), ("pkcs11", "pkcs11", "pkcs11")]
)
def test_a_missing_extra_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, custody: str, package: str, extra: str
) -> None:
    for name in [each for each in sys.modules if each.startswith(f"tonevault.cde.custodies.{extra}")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, package, None)
    chosen = settings(tmp_path, custody=custody, pkcs11={"module": "/m.so", "token": "t", "pin": "env:PIN"})
    with pytest.raises(SettingsError, match=rf"pip install tonevault\[{extra}\]"):
        open_custody(chosen.secure.keys, places(chosen), {"PIN": "1"})


def test_a_secret_that_is_missing_is_named_by_its_setting(tmp_path: Path) -> None:
    chosen = settings(tmp_path, passphrase_one="env:NOWHERE")
    with pytest.raises(SettingsError, match=r"secure.keys.passphrase_one: env: names a variable"):
        open_custody(chosen.secure.keys, places(chosen), {})


def test_a_custody_and_the_one_before_are_opened_together(tmp_path: Path) -> None:
    chosen = settings(tmp_path, custody="vault-transit", custody_before="file")
    environ = {"VAULT_ADDR": "http://127.0.0.1:9", "VAULT_TOKEN": "t"}
    assert isinstance(open_custody(chosen.secure.keys, places(chosen), environ), Succession)


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"custody": "pkcs11"}, "needs secure.keys.pkcs11.module"),
        ({"custody": "file", "custody_before": "file"}, "custody_before: must be another"),
        ({"custodian_one": "/a", "custodian_two": "/a"}, "must be folders of their own"),
        ({"custody": "paper"}, "custody"),
        ({"aws_kms": {"region": "London"}}, "region"),
        ({"vault_transit": {"key": "../sys"}}, "key"),
        ({"cryptoperiod_days": 0}, "cryptoperiod_days"),
    ],
)
def test_settings_that_are_refused(keys: dict[str, object], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        KeySettings.model_validate(keys)


def test_a_custody_that_does_not_answer_is_no_fault_of_the_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The supervisor starts the zone again, until the custody answers; a wrong setting would stop it for good."""
    with VaultDouble() as vault:
        monkeypatch.setattr(link, "PAUSE_S", 0.0)
        monkeypatch.setenv("VAULT_ADDR", vault.address)
        monkeypatch.setenv("VAULT_TOKEN", "root")
        vault.sealed = True
        with pytest.raises(SystemExit) as ended:
            asyncio.run(run_secure(settings(tmp_path, custody="vault-transit")))
        assert ended.value.code == TEMPORARY_EXIT
        vault.sealed = False
        vault.tokens = {}
        with pytest.raises(SettingsError, match="secure: vault-transit: refused the token"):
            asyncio.run(run_secure(settings(tmp_path, custody="vault-transit")))


def test_the_doctor_warns_of_keys_past_their_time(tmp_path: Path) -> None:
    start(settings(tmp_path))
    chosen = settings(tmp_path)
    then = datetime.now(UTC) - timedelta(days=800)

    async def age() -> None:
        where = places(chosen)
        database = open_secure_database(where)
        custody = open_custody(chosen.secure.keys, where)
        await KeyRing(database, custody).of(AccountId("acme"), then)
        await database.transact(lambda c: c.execute(update(KEY_ENCRYPTING_KEY).values(made_at=then)))
        await database.close()

    asyncio.run(age())
    found = [
        each.detail
        for each in examine_keys(chosen.secure.keys, places(chosen))
        if each.level is Level.WARNING
    ]
    assert "the key in force is 800 days old, and its cryptoperiod is 365" in found
    assert "the keys of 1 accounts are past their cryptoperiod of 730 days" in found


@pytest.mark.parametrize("written", [1, 2])
def test_a_rotation_that_was_killed_between_shares_does_not_keep_the_vault_from_starting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, written: int
) -> None:
    (key_id,) = start(settings(tmp_path)).key_ids()
    chosen = settings(tmp_path)
    custody = open_custody(chosen.secure.keys, places(chosen))
    left = iter(range(written))

    def write(*words: object, **more: object) -> None:
        if next(left, None) is None:
            raise KeyboardInterrupt
        share_file.write_share(*words, **more)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr("tonevault.cde.custodies.file.custody.write_share", write)
        with pytest.raises(KeyboardInterrupt):
            custody.make_key()
    assert start(chosen).key_ids() == (key_id,)
    assert not [each for each in examine_keys(chosen.secure.keys, places(chosen)) if each.is_fault]


def test_a_lost_share_of_the_key_in_force_is_named_though_another_key_is_whole(tmp_path: Path) -> None:
    chosen = settings(tmp_path)
    (key_id,) = start(chosen).key_ids()
    open_custody(chosen.secure.keys, places(chosen)).make_key()
    lost = places(chosen).custodian_two / f"{key_id}.share"
    lost.unlink()
    with pytest.raises(
        KeyCustodyError, match=rf"the key in force, {key_id} .*custodian two .*is missing: {lost}"
    ):
        start(chosen)
    assert any(each.is_fault for each in examine_keys(chosen.secure.keys, places(chosen)))
