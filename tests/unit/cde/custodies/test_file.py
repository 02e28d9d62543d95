"""The key in two shares: neither tells of it, both are needed, and whatever is wrong is named with its file and the way out."""

import stat
from pathlib import Path

import pytest

from tonevault.cde.custodies.file import FileCustody, SharePaths
from tonevault.cde.key_custody import KeyCustodyError

KEY = bytes(range(32))


@pytest.fixture
def paths(tmp_path: Path) -> SharePaths:
    made = SharePaths.below(tmp_path / "data")
    FileCustody.create(made)
    return made


def test_what_is_wrapped_opens_after_a_restart(paths: SharePaths) -> None:
    first = FileCustody(paths)
    wrapped = first.wrap(KEY, b"context")
    assert KEY not in wrapped
    assert FileCustody(paths).unwrap(wrapped, b"context", first.key_id) == KEY


def test_the_shares_are_their_owners_alone_and_in_folders_apart(paths: SharePaths) -> None:
    for _, path in paths.numbered():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert paths.first.parent != paths.second.parent


def test_a_key_is_never_overwritten(paths: SharePaths) -> None:
    before = paths.first.read_bytes()
    with pytest.raises(KeyCustodyError, match="never overwritten"):
        FileCustody.create(paths)
    assert paths.first.read_bytes() == before


@pytest.mark.parametrize("number", [1, 2])
def test_a_lost_share_is_named_and_never_replaced_by_a_new_key(paths: SharePaths, number: int) -> None:
    lost = dict(paths.numbered())[number]
    lost.unlink()
    for way in (FileCustody, FileCustody.open_or_create):
        with pytest.raises(
            KeyCustodyError, match=rf"share {number} of 2 .*missing.*custodian or from escrow"
        ) as refusal:
            way(paths)
        assert str(lost) in str(refusal.value)


def test_a_key_is_made_where_there_is_none(tmp_path: Path) -> None:
    paths = SharePaths.below(tmp_path)
    made = FileCustody.open_or_create(paths)
    assert FileCustody.open_or_create(paths).key_id == made.key_id


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644])
def test_a_share_that_others_may_read_is_refused(paths: SharePaths, mode: int) -> None:
    paths.second.chmod(mode)
    with pytest.raises(KeyCustodyError, match=r"share 2 of 2 .*open to others.*chmod 600"):
        FileCustody(paths)


def _change(path: Path, old: bytes, new: bytes) -> None:
    path.write_bytes(path.read_bytes().replace(old, new, 1))


@pytest.mark.parametrize(
    "content",
    [b"", b"\xff" * 400, b"tonevault key share 1 of 2\n", b"a\nb\nc\nd\ne\n", b"x" * 100_000],
    ids=["empty", "binary", "cut", "other", "huge"],
)
def test_a_damaged_share_is_named_and_not_repeated(paths: SharePaths, content: bytes) -> None:
    paths.first.write_bytes(content)
    with pytest.raises(KeyCustodyError, match=r"share 1 of 2 .*damaged") as refusal:
        FileCustody(paths)
    assert len(str(refusal.value)) < 400


def test_one_changed_digit_is_seen(paths: SharePaths) -> None:
    line = next(line for line in paths.first.read_bytes().splitlines() if line.startswith(b"share "))
    _change(paths.first, line, line[:-1] + (b"0" if line[-1:] != b"0" else b"1"))
    with pytest.raises(KeyCustodyError, match=r"share 1 of 2 .*damaged"):
        FileCustody(paths)


def test_swapped_shares_are_told_apart(paths: SharePaths) -> None:
    with pytest.raises(KeyCustodyError, match="swap the paths"):
        FileCustody(SharePaths(paths.second, paths.first))


def test_shares_of_two_keys_do_not_make_one(paths: SharePaths, tmp_path: Path) -> None:
    other = SharePaths.below(tmp_path / "other")
    FileCustody.create(other)
    with pytest.raises(KeyCustodyError, match="of different keys"):
        FileCustody(SharePaths(paths.first, other.second))


def test_a_key_of_another_custody_is_named_with_what_is_needed(paths: SharePaths, tmp_path: Path) -> None:
    mine, other = FileCustody(paths), FileCustody.create(SharePaths.below(tmp_path / "other"))
    with pytest.raises(KeyCustodyError, match=rf"wrapped by {other.key_id}.*from escrow"):
        mine.unwrap(other.wrap(KEY, b"context"), b"context", other.key_id)


def test_neither_share_holds_the_key(paths: SharePaths) -> None:
    parts = []
    for _, path in paths.numbered():
        line = next(line for line in path.read_text().splitlines() if line.startswith("share "))
        parts.append(bytes.fromhex(line.removeprefix("share ")))
    key = bytes(a ^ b for a, b in zip(*parts, strict=True))
    assert len(key) == 32
    assert key not in parts
    for _, path in paths.numbered():
        assert key.hex() not in path.read_text()


def test_a_folder_in_place_of_a_share_is_refused(paths: SharePaths) -> None:
    paths.first.unlink()
    paths.first.mkdir()
    with pytest.raises(KeyCustodyError, match="share 1 of 2 "):
        FileCustody(paths)


def test_the_custody_shows_no_key(paths: SharePaths) -> None:
    custody = FileCustody(paths)
    assert "share" not in repr(custody)
    assert "bytes" not in repr(vars(custody))
