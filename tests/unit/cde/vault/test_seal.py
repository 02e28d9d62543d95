"""Sealing: one size for all, bound to its place, plain digits zeroed on the way in, on the way out and on every error."""

import os
from typing import Self

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from tests.till import number

from tonevault.cde.sealed.warrant import open_number
from tonevault.cde.vault import seal
from tonevault.cde.vault.errors import CardUnreadableError
from tonevault.cde.vault.seal import associated_data, card_index, seal_number, unseal_number
from tonevault.kernel.ids import AccountId, TokenId

BOUND = associated_data(AccountId("acme"), TokenId("tok_" + "a" * 28), 1)
NONCE = bytes(range(12))
NUMBERS = [b"500000000000", b"4222222222222", b"378282246310005", b"4242424242424242", b"6205500000000000004"]


@pytest.fixture
def cipher() -> AESGCM:
    return AESGCM(os.urandom(32))


@pytest.mark.parametrize("digits", NUMBERS, ids=lambda digits: f"{len(digits)} digits")
def test_a_number_comes_back_as_it_went_in(cipher: AESGCM, digits: bytes) -> None:
    opened = unseal_number(seal_number(number(digits), cipher, NONCE, BOUND), cipher, BOUND)
    with open_number(opened) as view:
        assert view == digits


def test_the_size_tells_no_length(cipher: AESGCM) -> None:
    assert {len(seal_number(number(digits), cipher, NONCE, BOUND)) for digits in NUMBERS} == {60}


@pytest.mark.parametrize(
    "elsewhere",
    [
        associated_data(AccountId("other"), TokenId("tok_" + "a" * 28), 1),
        associated_data(AccountId("acme"), TokenId("tok_" + "b" * 28), 1),
        associated_data(AccountId("acme"), TokenId("tok_" + "a" * 28), 2),
    ],
    ids=["account", "token", "epoch"],
)
def test_a_card_moved_to_another_place_does_not_open(cipher: AESGCM, elsewhere: bytes) -> None:
    sealed = seal_number(number(), cipher, NONCE, BOUND)
    with pytest.raises(CardUnreadableError):
        unseal_number(sealed, cipher, elsewhere)


@pytest.mark.parametrize("place", [0, 11, 12, 43, 44, 59])
def test_a_changed_byte_does_not_open(cipher: AESGCM, place: int) -> None:
    sealed = bytearray(seal_number(number(), cipher, NONCE, BOUND))
    sealed[place] ^= 1
    with pytest.raises(CardUnreadableError):
        unseal_number(bytes(sealed), cipher, BOUND)


@pytest.mark.parametrize("cut", [0, 12, 59])
def test_a_short_row_is_refused(cipher: AESGCM, cut: int) -> None:
    with pytest.raises(CardUnreadableError, match="size"):
        unseal_number(seal_number(number(), cipher, NONCE, BOUND)[:cut], cipher, BOUND)


def test_another_key_does_not_open(cipher: AESGCM) -> None:
    with pytest.raises(CardUnreadableError):
        unseal_number(seal_number(number(), cipher, NONCE, BOUND), AESGCM(os.urandom(32)), BOUND)


class Watched(bytearray):
    """A buffer that is remembered, so that a test can see what was left in it."""

    made: list["Watched"] = []  # noqa: RUF012 - shared on purpose

    def __new__(cls, *arguments: object) -> Self:
        buffer = super().__new__(cls, *arguments)
        cls.made.append(buffer)
        return buffer


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> list[Watched]:
    Watched.made.clear()
    monkeypatch.setattr(seal, "bytearray", Watched, raising=False)
    return Watched.made


def test_no_plain_digit_is_left_in_a_buffer(cipher: AESGCM, watched: list[Watched]) -> None:
    sealed = seal_number(number(), cipher, NONCE, BOUND)
    unseal_number(sealed, cipher, BOUND).destroy()
    with pytest.raises(CardUnreadableError):
        unseal_number(sealed, cipher, b"elsewhere")
    assert len(watched) == 4
    assert all(b"4242" not in bytes(buffer) for buffer in watched)
    assert sum(not any(buffer) for buffer in watched) == 3  # all but the ciphertext


def test_the_index_is_keyed_and_takes_the_whole_number() -> None:
    one, other = os.urandom(32), os.urandom(32)
    assert card_index(number(), one) == card_index(number(), one)
    assert card_index(number(), one) != card_index(number(), other)
    assert card_index(number(b"4242424242424242"), one) != card_index(number(b"4242420000004242"), one)
    assert len(card_index(number(), one)) == 32
