"""Ids: letters alone, sorted by time, never the same twice."""

import random
import re

from hypothesis import given
from hypothesis import strategies as st

from tonevault.kernel.ids import ID_PATTERN, SESSION, is_id, make_id, make_secret_id


@given(now_ms=st.integers(0, 2**47), seed=st.integers())
def test_an_id_holds_no_digit(now_ms: int, seed: int) -> None:
    made = make_id(SESSION, now_ms, random.Random(seed).randrange)
    assert re.match(ID_PATTERN, made)
    assert not any(c.isdigit() for c in made)
    assert is_id(made, SESSION)


@given(st.lists(st.integers(0, 2**46), min_size=2, max_size=8))
def test_ids_sort_by_time(moments: list[int]) -> None:
    zero = [make_id(SESSION, moment, lambda _: 0) for moment in moments]
    assert sorted(zero) == [make_id(SESSION, moment, lambda _: 0) for moment in sorted(moments)]


def test_secret_ids_use_all_their_letters() -> None:
    source = random.Random(7)
    made = {make_secret_id("tok", source.randrange) for _ in range(1000)}
    assert len(made) == 1000
    assert {letter for each in made for letter in each[4:]} == set("abcdefghijklmnopqrstuvwxyz")


def test_another_prefix_is_not_the_same_kind() -> None:
    assert not is_id(make_id("ch", 1, lambda _: 1), SESSION)
    assert not is_id("ps_short", SESSION)
