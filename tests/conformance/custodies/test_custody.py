"""What every key custody must do, run on each adapter: the definition of done for a new one."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.conformance.custodies.worlds import WORLDS, Open

from tonevault.cde.key_custody import CustodyKind, KeyCustody, KeyCustodyError

KEY = bytes(range(32))
CONTEXT = b"tonevault-key|acme|data|1"


@pytest.fixture(scope="module", params=list(WORLDS))
def open_custody(request: pytest.FixtureRequest) -> Iterator[Open]:
    with WORLDS[request.param]() as opener:
        yield opener


@pytest.fixture
def custody(open_custody: Open, tmp_path: Path) -> KeyCustody:
    return open_custody(tmp_path / "mine")


@pytest.fixture
def key_id(custody: KeyCustody) -> str:
    return custody.make_key()


def test_it_begins_without_a_key_and_knows_those_it_made(custody: KeyCustody) -> None:
    assert custody.key_ids() == ()
    first, second = custody.make_key(), custody.make_key()
    assert first != second
    assert {first, second} <= set(custody.key_ids())


def test_it_says_what_it_is(custody: KeyCustody) -> None:
    assert custody.kind in CustodyKind


def test_what_is_wrapped_comes_back(custody: KeyCustody, key_id: str) -> None:
    assert custody.unwrap(custody.wrap(KEY, CONTEXT, key_id), CONTEXT, key_id) == KEY


def test_wrapping_hides_the_key_and_never_repeats_itself(custody: KeyCustody, key_id: str) -> None:
    one, two = custody.wrap(KEY, CONTEXT, key_id), custody.wrap(KEY, CONTEXT, key_id)
    assert one != two
    assert KEY not in one
    assert KEY[:8] not in one


def test_it_has_the_same_keys_after_a_restart(open_custody: Open, tmp_path: Path) -> None:
    before = open_custody(tmp_path / "mine")
    key_id = before.make_key()
    wrapped = before.wrap(KEY, CONTEXT, key_id)
    after = open_custody(tmp_path / "mine")
    assert key_id in after.key_ids()
    assert after.unwrap(wrapped, CONTEXT, key_id) == KEY


def test_a_key_made_elsewhere_is_used_without_a_restart(open_custody: Open, tmp_path: Path) -> None:
    running, ceremony = open_custody(tmp_path / "mine"), open_custody(tmp_path / "mine")
    ceremony.make_key()
    key_id = ceremony.make_key()
    assert running.unwrap(ceremony.wrap(KEY, CONTEXT, key_id), CONTEXT, key_id) == KEY
    assert running.unwrap(running.wrap(KEY, CONTEXT, key_id), CONTEXT, key_id) == KEY


def test_an_older_key_goes_on_opening_and_wrapping(custody: KeyCustody, key_id: str) -> None:
    wrapped = custody.wrap(KEY, CONTEXT, key_id)
    newer = custody.make_key()
    assert custody.unwrap(wrapped, CONTEXT, key_id) == KEY
    assert custody.unwrap(custody.wrap(KEY, CONTEXT, key_id), CONTEXT, key_id) == KEY
    with pytest.raises(KeyCustodyError):
        custody.unwrap(wrapped, CONTEXT, newer)


@pytest.mark.parametrize("elsewhere", [b"tonevault-key|acme|data|2", b"tonevault-key|other|data|1"])
def test_another_context_does_not_open(custody: KeyCustody, key_id: str, elsewhere: bytes) -> None:
    with pytest.raises(KeyCustodyError, match="does not open"):
        custody.unwrap(custody.wrap(KEY, CONTEXT, key_id), elsewhere, key_id)


@pytest.mark.parametrize("place", [0, 20, -1])
def test_a_changed_byte_does_not_open(custody: KeyCustody, key_id: str, place: int) -> None:
    wrapped = bytearray(custody.wrap(KEY, CONTEXT, key_id))
    wrapped[place] ^= 1
    with pytest.raises(KeyCustodyError):
        custody.unwrap(bytes(wrapped), CONTEXT, key_id)


@pytest.mark.parametrize("length", [0, 5, 12, 27])
def test_a_cut_one_does_not_open(custody: KeyCustody, key_id: str, length: int) -> None:
    with pytest.raises(KeyCustodyError):
        custody.unwrap(custody.wrap(KEY, CONTEXT, key_id)[:length], CONTEXT, key_id)


def test_another_custody_does_not_open_it(open_custody: Open, tmp_path: Path) -> None:
    mine, other = open_custody(tmp_path / "mine"), open_custody(tmp_path / "other")
    ours, theirs = mine.make_key(), other.make_key()
    assert ours != theirs
    assert theirs not in mine.key_ids()
    for key_id in (ours, theirs):
        with pytest.raises(KeyCustodyError):
            mine.unwrap(other.wrap(KEY, CONTEXT, theirs), CONTEXT, key_id)


@pytest.mark.parametrize("unknown", ["", "kek_unheardof", "../escrow", "a" * 64])
def test_a_key_that_is_not_there_is_refused(custody: KeyCustody, key_id: str, unknown: str) -> None:
    wrapped = custody.wrap(KEY, CONTEXT, key_id)
    with pytest.raises(KeyCustodyError):
        custody.unwrap(wrapped, CONTEXT, unknown)
    with pytest.raises(KeyCustodyError):
        custody.wrap(KEY, CONTEXT, unknown)


def test_a_destroyed_key_neither_opens_nor_wraps_and_the_others_do(
    open_custody: Open, tmp_path: Path
) -> None:
    custody = open_custody(tmp_path / "mine")
    old = custody.make_key()
    wrapped = custody.wrap(KEY, CONTEXT, old)
    new = custody.make_key()
    kept = custody.wrap(KEY, CONTEXT, new)
    assert custody.destroy_key(old)
    for each in (custody, open_custody(tmp_path / "mine")):
        assert each.key_ids() == (new,)
        assert each.unwrap(kept, CONTEXT, new) == KEY
        with pytest.raises(KeyCustodyError):
            each.unwrap(wrapped, CONTEXT, old)
        with pytest.raises(KeyCustodyError):
            each.wrap(KEY, CONTEXT, old)
    assert custody.destroy_key(old), "a repetition after a kill is harmless"


@pytest.mark.parametrize("length", [0, 16, 31, 33])
def test_only_a_whole_data_key_is_wrapped(custody: KeyCustody, key_id: str, length: int) -> None:
    with pytest.raises(KeyCustodyError, match="32 bytes"):
        custody.wrap(bytes(length), CONTEXT, key_id)


def test_key_ids_are_short_words_that_hold_no_digits(custody: KeyCustody, key_id: str) -> None:
    assert 0 < len(key_id) <= 64
    assert not any(character.isdigit() for character in key_id)
    assert custody.key_ids() == (key_id,)


def test_its_check_passes_when_it_has_a_key(custody: KeyCustody, key_id: str) -> None:
    custody.check()
