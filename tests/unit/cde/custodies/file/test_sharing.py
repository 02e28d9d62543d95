"""Two of three: any two shares make the key, one alone fits every key there is."""

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tonevault.cde.custodies.file.sharing import SharesDisagreeError, join, rebuild, split

KEYS = st.binary(min_size=32, max_size=32)
RANDOMNESS = st.binary(min_size=64, max_size=64)


@given(KEYS, RANDOMNESS)
def test_any_two_shares_make_the_key_and_the_third_share(key: bytes, randomness: bytes) -> None:
    shares = dict(enumerate(split(bytearray(key), randomness), 1))
    assert bytes(join(shares)) == key
    for pair in combinations(shares, 2):
        two = {number: shares[number] for number in pair}
        assert bytes(join(two)) == key
        (lost,) = set(shares) - set(pair)
        assert rebuild(two, lost) == shares[lost]


@given(KEYS, KEYS, RANDOMNESS)
def test_one_share_fits_any_other_key(key: bytes, other: bytes, randomness: bytes) -> None:
    """For each share of a key there is a splitting of any other key that gives the very same share: it tells nothing."""
    one, two, three = split(bytearray(key), randomness)
    missing = bytes(k ^ a ^ b for k, a, b in zip(other, three[:32], three[32:], strict=True))
    assert split(bytearray(other), one)[0] == one
    assert split(bytearray(other), three[32:] + missing)[2] == three
    first = bytes(k ^ a ^ b for k, a, b in zip(other, two[:32], two[32:], strict=True))
    assert split(bytearray(other), first + two[:32])[1] == two


@given(KEYS, RANDOMNESS, RANDOMNESS)
def test_shares_of_two_splittings_are_told_apart(key: bytes, one: bytes, other: bytes) -> None:
    first, second = split(bytearray(key), one), split(bytearray(key), other)
    if first[0][32:] != second[1][:32]:
        with pytest.raises(SharesDisagreeError):
            join({1: first[0], 2: second[1]})


def test_one_share_is_not_enough() -> None:
    with pytest.raises(ValueError, match="two of its three"):
        join({2: bytes(64)})
