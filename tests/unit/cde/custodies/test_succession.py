"""Keys that move from one custody to another: both open what they wrapped, new ones are made in the new one alone."""

from pathlib import Path

import pytest

from tonevault.cde.custodies.file import FileCustody, SharePaths
from tonevault.cde.custodies.succession import Succession
from tonevault.cde.custodies.vault_transit import VaultPlace, VaultTransitCustody
from tonevault.cde.key_custody import CustodyKind, KeyCustodyError
from tonevault.testing.vault_transit import VaultDouble

KEY = bytes(range(32))


def test_a_deployment_moves_from_files_to_vault(tmp_path: Path) -> None:
    old = FileCustody.open_or_create(SharePaths.below(tmp_path))
    (old_id,) = old.key_ids()
    wrapped = old.wrap(KEY, b"c", old_id)
    with VaultDouble() as vault:
        new = VaultTransitCustody(VaultPlace(vault.address, "root"))
        both = Succession(new, old)
        both.check()
        assert both.kind is CustodyKind.VAULT_TRANSIT
        new_id = both.make_key()
        assert both.key_ids() == (old_id, new_id)
        assert old.key_ids() == (old_id,)
        moved = both.wrap(both.unwrap(wrapped, b"c", old_id), b"c", new_id)
        both.destroy_key(old_id)
        assert not list(tmp_path.rglob("*.share"))
        both.check()
        assert new.unwrap(moved, b"c", new_id) == KEY


def test_an_outage_of_either_is_one_of_both(tmp_path: Path) -> None:
    old = FileCustody.open_or_create(SharePaths.below(tmp_path))
    with VaultDouble() as vault:
        both = Succession(VaultTransitCustody(VaultPlace(vault.address, "root")), old)
        vault.sealed = True
        with pytest.raises(KeyCustodyError, match="is sealed"):
            both.check()


def test_no_key_in_either_fails_the_check(tmp_path: Path) -> None:
    one, other = (FileCustody(SharePaths.below(tmp_path / name)) for name in ("one", "other"))
    with pytest.raises(KeyCustodyError, match="neither custody has a key"):
        Succession(one, other).check()
