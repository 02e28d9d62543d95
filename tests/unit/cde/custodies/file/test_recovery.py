"""A lost share comes back from the two that are left, bit for bit; nothing else of the deployment changes."""

from pathlib import Path

import pytest

from tonevault.cde.custodies.file import FileCustody, Holder, Passphrases, SharePaths, share_seal
from tonevault.cde.custodies.file.recovery import recover_shares
from tonevault.cde.key_custody import KeyCustodyError

KEY = bytes(range(32))
OPEN = Passphrases()


@pytest.fixture(autouse=True)
def _quick_seals(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(share_seal, "MEMORY_KIB", 64)
    monkeypatch.setattr(share_seal, "TIME_COST", 1)


@pytest.mark.parametrize("lost", list(Holder))
def test_any_one_share_is_rebuilt_of_the_two_others(tmp_path: Path, lost: Holder) -> None:
    paths = SharePaths.below(tmp_path)
    custody = FileCustody.open_or_create(paths)
    keys = {*custody.key_ids(), custody.make_key()}
    wrapped = {key_id: custody.wrap(KEY, b"context", key_id) for key_id in keys}
    before = {path: path.read_bytes() for path in tmp_path.rglob("*.share")}
    for path in paths.of(lost).iterdir():
        path.unlink()
    assert set(recover_shares(paths, lost, OPEN)) == keys
    assert {path: path.read_bytes() for path in tmp_path.rglob("*.share")} == before
    again = FileCustody(paths)
    assert all(again.unwrap(wrapped[key_id], b"context", key_id) == KEY for key_id in keys)


def test_a_lost_share_under_a_passphrase_comes_back_under_the_one_given_now(tmp_path: Path) -> None:
    paths = SharePaths.below(tmp_path)
    words = {
        Holder.CUSTODIAN_ONE: "the phrase of the first",
        Holder.CUSTODIAN_TWO: "the phrase of the second",
    }
    made = FileCustody.open_or_create(paths, Passphrases(words)).key_ids()
    paths.share(Holder.CUSTODIAN_TWO, made[0]).unlink()
    words[Holder.CUSTODIAN_TWO] = "the phrase of the successor"
    recover_shares(paths, Holder.CUSTODIAN_TWO, Passphrases(words))
    assert FileCustody(paths, Passphrases(words)).key_ids() == made


def test_without_the_escrow_a_lost_share_is_lost_and_the_error_says_what_is_missing(tmp_path: Path) -> None:
    paths = SharePaths.below(tmp_path)
    (key_id,) = FileCustody.open_or_create(paths).key_ids()
    for holder in (Holder.CUSTODIAN_ONE, Holder.ESCROW):
        paths.share(holder, key_id).unlink()
    with pytest.raises(KeyCustodyError, match=r"the share of escrow .*is missing"):
        recover_shares(paths, Holder.CUSTODIAN_ONE, OPEN)


def test_an_escrow_of_another_splitting_is_refused(tmp_path: Path) -> None:
    mine, other = SharePaths.below(tmp_path / "mine"), SharePaths.below(tmp_path / "other")
    (key_id,) = FileCustody.open_or_create(mine).key_ids()
    (stranger,) = FileCustody.open_or_create(other).key_ids()
    text = other.share(Holder.ESCROW, stranger).read_text().replace(stranger, key_id)
    mine.share(Holder.CUSTODIAN_TWO, key_id).unlink()
    mine.share(Holder.ESCROW, key_id).write_text(text)
    with pytest.raises(KeyCustodyError, match=r"escrow .*damaged"):
        recover_shares(mine, Holder.CUSTODIAN_TWO, OPEN)


def test_nothing_is_written_over(tmp_path: Path) -> None:
    paths = SharePaths.below(tmp_path)
    FileCustody.open_or_create(paths)
    with pytest.raises(KeyCustodyError, match="no share of custodian one is missing"):
        recover_shares(paths, Holder.CUSTODIAN_ONE, OPEN)
    with pytest.raises(KeyCustodyError, match="put the shares of custodian two and escrow there"):
        recover_shares(SharePaths.below(tmp_path / "nowhere"), Holder.CUSTODIAN_ONE, OPEN)


def test_what_a_killed_rotation_left_does_not_hinder_the_recovery(tmp_path: Path) -> None:
    paths = SharePaths.below(tmp_path)
    custody = FileCustody.open_or_create(paths)
    (key_id,) = custody.key_ids()
    unfinished = custody.make_key()
    for holder in (Holder.CUSTODIAN_ONE, Holder.CUSTODIAN_TWO):
        paths.share(holder, unfinished).unlink()
    paths.share(Holder.CUSTODIAN_ONE, key_id).unlink()
    assert recover_shares(paths, Holder.CUSTODIAN_ONE, OPEN) == (key_id,)
    assert FileCustody(paths).key_ids() == (key_id,)
