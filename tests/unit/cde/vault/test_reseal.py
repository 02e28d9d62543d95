"""A card sealed anew: the same card under another key, found under another index, and no digit left in a buffer on the way."""

import os

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from tests.till import number
from tests.unit.cde.vault.test_seal import BOUND, NONCE, NUMBERS, Watched

from tonevault.cde.sealed.warrant import open_number
from tonevault.cde.vault import seal
from tonevault.cde.vault.errors import CardUnreadableError
from tonevault.cde.vault.seal import associated_data, card_index, reseal_number, seal_number, unseal_number
from tonevault.kernel.ids import AccountId, TokenId

NEXT = associated_data(AccountId("acme"), TokenId("tok_" + "a" * 28), 2)
FRESH = bytes(range(100, 112))


@pytest.mark.parametrize("digits", NUMBERS, ids=lambda digits: f"{len(digits)} digits")
def test_it_is_the_same_card_under_the_new_key_alone(digits: bytes) -> None:
    old, new, index_key = AESGCM(os.urandom(32)), AESGCM(os.urandom(32)), os.urandom(32)
    before = seal_number(number(digits), old, NONCE, BOUND)
    after, index = reseal_number(before, (old, BOUND), (new, NEXT), FRESH, index_key)
    assert (len(after), after[:12]) == (len(before), FRESH)
    assert index == card_index(number(digits), index_key)
    with open_number(unseal_number(after, new, NEXT)) as view:
        assert view == digits
    for cipher, bound_to in ((old, BOUND), (old, NEXT), (new, BOUND)):
        with pytest.raises(CardUnreadableError):
            unseal_number(after, cipher, bound_to)
    assert reseal_number(before, (old, BOUND), (new, NEXT), FRESH, None)[1] is None


def test_no_plain_digit_is_left_in_a_buffer(monkeypatch: pytest.MonkeyPatch) -> None:
    old, new = AESGCM(os.urandom(32)), AESGCM(os.urandom(32))
    before = seal_number(number(), old, NONCE, BOUND)
    Watched.made.clear()
    monkeypatch.setattr(seal, "bytearray", Watched, raising=False)
    reseal_number(before, (old, BOUND), (new, NEXT), FRESH, os.urandom(32))
    with pytest.raises(CardUnreadableError):
        reseal_number(before, (new, BOUND), (old, NEXT), FRESH, None)
    assert len(Watched.made) == 3
    assert sum(not any(buffer) for buffer in Watched.made) == 2  # all but the ciphertext


@pytest.mark.parametrize("cut", [0, 12, 59])
def test_a_row_of_another_size_is_refused(cut: int) -> None:
    cipher = AESGCM(os.urandom(32))
    with pytest.raises(CardUnreadableError, match="size"):
        reseal_number(bytes(cut), (cipher, BOUND), (cipher, NEXT), FRESH, None)


def test_what_is_no_card_number_is_refused() -> None:
    cipher = AESGCM(os.urandom(32))
    sealed = NONCE + cipher.encrypt(NONCE, bytes(32), BOUND)
    with pytest.raises(CardUnreadableError, match="no card number"):
        reseal_number(sealed, (cipher, BOUND), (cipher, NEXT), FRESH, None)
