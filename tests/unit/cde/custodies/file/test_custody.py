"""Share files: what is lost, damaged, readable by others or of another key is named, and never papered over by a new key."""

import os
from pathlib import Path

import pytest

from tonevault.cde.custodies.file import FileCustody, Holder, Passphrases, SharePaths, share_seal
from tonevault.cde.custodies.file.share import parse_share
from tonevault.cde.key_custody import KeyCustodyError

KEY = bytes(range(32))
WORDS = Passphrases(
    {Holder.CUSTODIAN_ONE: "a long phrase of one", Holder.CUSTODIAN_TWO: "another phrase of two"}
)


@pytest.fixture(autouse=True)
def _quick_seals(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(share_seal, "MEMORY_KIB", 64)
    monkeypatch.setattr(share_seal, "TIME_COST", 1)


@pytest.fixture
def paths(tmp_path: Path) -> SharePaths:
    made = SharePaths.below(tmp_path / "data")
    FileCustody(made).make_key()
    return made


def the_key(paths: SharePaths) -> str:
    (key_id,) = FileCustody(paths).key_ids()
    return key_id


def share(paths: SharePaths, holder: Holder) -> Path:
    (path,) = paths.of(holder).iterdir()
    return path


ONE, TWO, ESCROW = Holder.CUSTODIAN_ONE, Holder.CUSTODIAN_TWO, Holder.ESCROW


def test_the_shares_are_their_owners_alone_and_in_folders_apart(paths: SharePaths) -> None:
    for holder in Holder:
        assert share(paths, holder).stat().st_mode & 0o777 == 0o600
        assert paths.of(holder).stat().st_mode & 0o777 == 0o700
    assert len({paths.of(holder) for holder in Holder}) == 3


@pytest.mark.parametrize("holder", [ONE, TWO])
def test_a_lost_share_is_named_and_never_replaced_by_a_new_key(paths: SharePaths, holder: Holder) -> None:
    lost = share(paths, holder)
    lost.unlink()
    for way in (FileCustody, FileCustody.open_or_create):
        with pytest.raises(KeyCustodyError, match=f"the share of {holder.words} .*is missing.*keys recover"):
            way(paths)
    assert not lost.exists()


def test_a_start_does_not_need_the_escrow(paths: SharePaths) -> None:
    before = the_key(paths)
    share(paths, ESCROW).unlink()
    assert FileCustody(paths).key_ids() == (before,)


def test_a_first_key_is_made_where_nothing_is(tmp_path: Path) -> None:
    paths = SharePaths.below(tmp_path)
    made = FileCustody.open_or_create(paths)
    assert FileCustody.open_or_create(paths).key_ids() == made.key_ids()
    assert len(made.key_ids()) == 1


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644])
def test_a_share_that_others_may_read_is_refused(paths: SharePaths, mode: int) -> None:
    share(paths, TWO).chmod(mode)
    with pytest.raises(KeyCustodyError, match=r"custodian two .*open to others.*chmod 600"):
        FileCustody(paths)


@pytest.mark.parametrize(
    "content",
    [b"", b"\xff" * 400, b"tonevault key share 1 of 3\n", b"a\nb\nc\nd\ne\nf\ng\n", b"x" * 100_000],
    ids=["empty", "binary", "cut", "other", "huge"],
)
def test_a_damaged_share_is_named_and_not_repeated(paths: SharePaths, content: bytes) -> None:
    share(paths, ONE).write_bytes(content)
    with pytest.raises(KeyCustodyError, match=r"custodian one .*damaged") as refusal:
        FileCustody(paths)
    assert len(str(refusal.value)) < 500


def test_every_changed_byte_is_seen(paths: SharePaths) -> None:
    file = share(paths, ONE)
    whole = file.read_bytes()
    for place in range(0, len(whole), 3):
        file.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with pytest.raises(KeyCustodyError, match="custodian one"):
            FileCustody(paths)


def test_swapped_shares_are_told_apart(paths: SharePaths) -> None:
    with pytest.raises(KeyCustodyError, match="swap the folders"):
        FileCustody(SharePaths(paths.custodian_two, paths.custodian_one, paths.escrow))


def test_a_share_under_another_keys_name_is_refused(paths: SharePaths, tmp_path: Path) -> None:
    other = SharePaths.below(tmp_path / "other")
    FileCustody(other).make_key()
    share(paths, TWO).write_bytes(share(other, TWO).read_bytes())
    with pytest.raises(KeyCustodyError, match="another key than its name says"):
        FileCustody(paths)


def test_two_keys_live_side_by_side_and_one_may_come_later(paths: SharePaths) -> None:
    running = FileCustody(paths)
    old = the_key(paths)
    new = FileCustody(paths).make_key()
    wrapped = FileCustody(paths).wrap(KEY, b"context", new)
    assert running.unwrap(wrapped, b"context", new) == KEY  # Its shares came while this one ran.
    assert set(FileCustody(paths).key_ids()) == {old, new}


def test_a_destroyed_key_is_gone_with_all_its_shares(paths: SharePaths) -> None:
    custody = FileCustody(paths)
    old, new = the_key(paths), custody.make_key()
    said = custody.destroy_key(old)
    assert "both custodians and the escrow" in said
    assert custody.key_ids() == (new,)
    assert all([path.stem for path in paths.of(holder).iterdir()] == [new] for holder in Holder)


def test_no_share_holds_the_key_and_any_two_do(paths: SharePaths) -> None:
    bodies = {}
    for holder in Holder:
        read = parse_share(share(paths, holder).read_text())
        assert read is not None
        bodies[holder] = read.body
    first, second = bodies[ONE][:32], bodies[ONE][32:]
    third = bodies[TWO][32:]
    key = bytes(a ^ b ^ c for a, b, c in zip(first, second, third, strict=True))
    for holder in Holder:
        text = share(paths, holder).read_text()
        assert key.hex() not in text
        assert key not in bodies[holder]


def test_a_folder_or_a_pipe_in_place_of_a_share_is_refused(paths: SharePaths) -> None:
    place = share(paths, ONE)
    place.unlink()
    place.mkdir()
    with pytest.raises(KeyCustodyError, match="custodian one "):
        FileCustody(paths)
    place.rmdir()
    os.mkfifo(place, 0o600)
    with pytest.raises(KeyCustodyError, match="not a plain file"):
        FileCustody(paths)


def test_the_custody_shows_no_key(paths: SharePaths) -> None:
    custody = FileCustody(paths, WORDS)
    assert "another phrase" not in repr(vars(custody))
    assert "a long phrase" not in repr(vars(custody))
    assert "bytes" not in repr(vars(custody))


def test_sealed_shares_need_their_holders_passphrase(tmp_path: Path) -> None:
    paths = SharePaths.below(tmp_path)
    made = FileCustody.open_or_create(paths, WORDS)
    assert FileCustody(paths, WORDS).key_ids() == made.key_ids()
    with pytest.raises(KeyCustodyError, match=r"custodian one .*sealed by a passphrase.*passphrase_one"):
        FileCustody(paths)
    wrong = Passphrases({**WORDS.by_holder, TWO: "not the phrase of two"})
    with pytest.raises(KeyCustodyError, match=r"custodian two .*does not open by the passphrase") as refusal:
        FileCustody(paths, wrong)
    assert "phrase of two" not in str(refusal.value)


def test_a_short_passphrase_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(
        KeyCustodyError, match=r"secure\.keys\.passphrase_one: must have at least 12 characters"
    ):
        FileCustody.open_or_create(SharePaths.below(tmp_path), Passphrases({ONE: "short"}))
    assert list(tmp_path.rglob("*.share")) == []
