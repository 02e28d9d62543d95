"""What every key custody must do, run on each adapter: the definition of done for a new one."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tonevault.cde.custodies.file import FileCustody, SharePaths
from tonevault.cde.key_custody import KeyCustody, KeyCustodyError

KEY = bytes(range(32))
CONTEXT = b"tonevault-key|acme|data|1"

Open = Callable[[Path], KeyCustody]
"""Opens the custody whose state lies in a folder, and makes one there the first time."""

ADAPTERS: dict[str, Open] = {"file": lambda folder: FileCustody.open_or_create(SharePaths.below(folder))}


@pytest.fixture(params=list(ADAPTERS.values()), ids=list(ADAPTERS))
def open_custody(request: pytest.FixtureRequest) -> Open:
    opener: Open = request.param
    return opener


@pytest.fixture
def custody(open_custody: Open, tmp_path: Path) -> KeyCustody:
    return open_custody(tmp_path / "mine")


def test_what_is_wrapped_comes_back(custody: KeyCustody) -> None:
    assert custody.unwrap(custody.wrap(KEY, CONTEXT), CONTEXT, custody.key_id) == KEY


def test_wrapping_hides_the_key_and_never_repeats_itself(custody: KeyCustody) -> None:
    one, two = custody.wrap(KEY, CONTEXT), custody.wrap(KEY, CONTEXT)
    assert one != two
    assert KEY not in one
    assert KEY[:8] not in one


def test_it_is_the_same_key_after_a_restart(open_custody: Open, tmp_path: Path) -> None:
    before = open_custody(tmp_path / "mine")
    wrapped = before.wrap(KEY, CONTEXT)
    after = open_custody(tmp_path / "mine")
    assert after.key_id == before.key_id
    assert after.unwrap(wrapped, CONTEXT, before.key_id) == KEY


@pytest.mark.parametrize("elsewhere", [b"", b"tonevault-key|acme|data|2", b"tonevault-key|other|data|1"])
def test_another_context_does_not_open(custody: KeyCustody, elsewhere: bytes) -> None:
    with pytest.raises(KeyCustodyError):
        custody.unwrap(custody.wrap(KEY, CONTEXT), elsewhere, custody.key_id)


@pytest.mark.parametrize("place", [0, 20, -1])
def test_a_changed_byte_does_not_open(custody: KeyCustody, place: int) -> None:
    wrapped = bytearray(custody.wrap(KEY, CONTEXT))
    wrapped[place] ^= 1
    with pytest.raises(KeyCustodyError):
        custody.unwrap(bytes(wrapped), CONTEXT, custody.key_id)


@pytest.mark.parametrize("length", [0, 5, 12, 27])
def test_a_cut_one_does_not_open(custody: KeyCustody, length: int) -> None:
    with pytest.raises(KeyCustodyError):
        custody.unwrap(custody.wrap(KEY, CONTEXT)[:length], CONTEXT, custody.key_id)


def test_another_custody_does_not_open_it(open_custody: Open, tmp_path: Path) -> None:
    mine, other = open_custody(tmp_path / "mine"), open_custody(tmp_path / "other")
    assert mine.key_id != other.key_id
    for key_id in (mine.key_id, other.key_id):
        with pytest.raises(KeyCustodyError):
            mine.unwrap(other.wrap(KEY, CONTEXT), CONTEXT, key_id)


@pytest.mark.parametrize("length", [0, 16, 31, 33])
def test_only_a_whole_data_key_is_wrapped(custody: KeyCustody, length: int) -> None:
    with pytest.raises(KeyCustodyError):
        custody.wrap(bytes(length), CONTEXT)


def test_key_ids_are_short_words_that_hold_no_digits(custody: KeyCustody) -> None:
    assert 0 < len(custody.key_id) <= 64
    assert not any(character.isdigit() for character in custody.key_id)
