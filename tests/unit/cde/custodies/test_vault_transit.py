"""Vault Transit: sealed, refused and slow answers have their meaning; tokens are renewed and read anew; versions are bound."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tonevault.cde.custodies.vault_transit import VaultPlace, VaultTransitCustody, link
from tonevault.cde.key_custody import KeyCustodyError, KeyCustodyUnavailableError
from tonevault.testing.vault_transit import VaultDouble

KEY = bytes(range(32))


@pytest.fixture
def vault(monkeypatch: pytest.MonkeyPatch) -> Iterator[VaultDouble]:
    monkeypatch.setattr(link, "PAUSE_S", 0.0)
    with VaultDouble() as running:
        yield running


def custody_of(vault: VaultDouble) -> VaultTransitCustody:
    return VaultTransitCustody(VaultPlace(vault.address, "root"))


@pytest.mark.parametrize(
    ("statuses", "kind", "said"),
    [
        ([503, 503, 503], KeyCustodyUnavailableError, "is sealed or in maintenance; unseal it"),
        ([429, 429, 429], KeyCustodyUnavailableError, "asked too often"),
        ([500, 502, 504], KeyCustodyUnavailableError, "does not answer its proxy"),
        ([403], KeyCustodyError, "refused the token"),
        ([404], KeyCustodyError, "no such key or mount"),
        ([418], KeyCustodyError, "answered 418"),
        ([400], KeyCustodyError, "does not open"),
    ],
)
def test_what_vault_refuses_is_told_with_the_way_out(
    vault: VaultDouble, statuses: list[int], kind: type[KeyCustodyError], said: str
) -> None:
    custody = custody_of(vault)
    key_id = custody.make_key()
    wrapped = custody.wrap(KEY, b"c", key_id)
    vault.failures = statuses
    with pytest.raises(kind, match=said) as refusal:
        custody.unwrap(wrapped, b"c", key_id)
    assert isinstance(refusal.value, KeyCustodyUnavailableError) is (kind is KeyCustodyUnavailableError)
    assert vault.failures == []
    assert custody.unwrap(wrapped, b"c", key_id) == KEY


def test_a_change_of_leader_goes_unnoticed(vault: VaultDouble) -> None:
    custody = custody_of(vault)
    key_id = custody.make_key()
    vault.failures = [503, 500]
    assert custody.unwrap(custody.wrap(KEY, b"c", key_id), b"c", key_id) == KEY


def test_a_vault_that_is_gone_or_silent_is_unavailable(
    vault: VaultDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(link, "TIMEOUT_S", 0.05)
    monkeypatch.setattr(link, "TRIES", 1)
    custody = custody_of(vault)
    vault.delay_s = 1.0
    with pytest.raises(KeyCustodyUnavailableError, match="ReadTimeout"):
        custody.key_ids()
    vault.close()
    with pytest.raises(KeyCustodyUnavailableError, match="ConnectError"):
        custody.key_ids()


def test_a_token_is_renewed_at_half_its_time_and_not_before(vault: VaultDouble) -> None:
    custody = custody_of(vault)
    custody.make_key()
    custody.check()
    assert not any("renew" in each for each in vault.seen)
    vault.tokens["root"] = 1000.0
    custody.check()
    assert vault.tokens["root"] == vault.token_life_s


def test_an_agents_token_file_is_read_anew_when_the_token_is_refused(
    vault: VaultDouble, tmp_path: Path
) -> None:
    file = tmp_path / "token"
    file.write_text("root\n")
    place = VaultPlace.of({"VAULT_ADDR": vault.address, "VAULT_TOKEN_FILE": str(file)})
    custody = VaultTransitCustody(place)
    key_id = custody.make_key()
    vault.tokens = {"second": 60.0}
    with pytest.raises(KeyCustodyError, match="refused the token"):
        custody.wrap(KEY, b"c", key_id)
    file.write_text("second\n")
    assert custody.unwrap(custody.wrap(KEY, b"c", key_id), b"c", key_id) == KEY


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({}, "set VAULT_ADDR"),
        ({"VAULT_ADDR": "vault.internal"}, "set VAULT_ADDR"),
        ({"VAULT_ADDR": "https://v"}, "set VAULT_TOKEN"),
        ({"VAULT_ADDR": "https://v", "VAULT_TOKEN_FILE": "/nowhere"}, "VAULT_TOKEN_FILE names no file"),
        (
            {"VAULT_ADDR": "https://v", "VAULT_TOKEN": "t", "VAULT_CACERT": "/nowhere"},
            "VAULT_CACERT names no PEM",
        ),
    ],
)
def test_a_login_that_is_not_whole(environ: dict[str, str], said: str) -> None:
    with pytest.raises(KeyCustodyError, match=said):
        VaultTransitCustody(VaultPlace.of(environ))


def test_the_token_is_not_shown(vault: VaultDouble) -> None:
    assert "root" not in repr(VaultPlace(vault.address, "root"))


def test_a_version_that_vaults_keeper_made_is_taken(vault: VaultDouble) -> None:
    custody = custody_of(vault)
    first = custody.make_key()
    custody._link.post("transit/keys/tonevault/rotate", {})
    second = custody.make_key("2")
    assert custody.key_ids() == (first, second)
    with pytest.raises(
        KeyCustodyError, match="--key: must be the number of a version that the key has, 1 to 2"
    ):
        custody.make_key("3")


def test_a_ciphertext_under_another_versions_name_is_refused_without_asking(vault: VaultDouble) -> None:
    custody = custody_of(vault)
    first, second = custody.make_key(), custody.make_key()
    wrapped = custody.wrap(KEY, b"c", first)
    asked = len(vault.seen)
    with pytest.raises(KeyCustodyError, match="does not open"):
        custody.unwrap(wrapped, b"c", second)
    assert len(vault.seen) == asked


def test_the_newest_version_cannot_be_destroyed(vault: VaultDouble) -> None:
    custody = custody_of(vault)
    with pytest.raises(KeyCustodyError, match="rotate first"):
        custody.destroy_key(custody.make_key())
