"""Card numbers to ciphertext and back, and to their lookup index. Plain digits stay in buffers that are zeroed; keys are given."""

import hmac
from collections.abc import Sequence
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tonevault.cde.sealed.card_number import MAX_DIGITS, MIN_DIGITS, CardNumber
from tonevault.cde.sealed.warrant import open_number
from tonevault.cde.vault.errors import CardUnreadableError
from tonevault.kernel.ids import AccountId, TokenId

NONCE_LENGTH: Final = 12
"""96 random bits (NIST SP 800-38D section 8.2.2), which allow 2**32 cards under one data key."""
BLOCK_LENGTH: Final = 32
"""One byte of count, then the digits, then zeros: every ciphertext has one size, so that size tells no number's length."""
TAG_LENGTH: Final = 16
_ZEROS: Final = bytes(BLOCK_LENGTH)


def associated_data(account: AccountId, token: TokenId, epoch: int) -> bytes:
    """What a ciphertext is bound to: moved to another row, account or epoch it does not open. None of the parts holds a bar."""
    return f"tonevault-card|{account}|{token}|{epoch}".encode("ascii")


def seal_number(number: CardNumber, cipher: AESGCM, nonce: bytes, bound_to: bytes) -> bytes:
    """Nonce, ciphertext and tag (60 bytes) of a card number. `nonce` is 12 fresh random bytes."""
    return seal_and_index(number, cipher, nonce, bound_to, ())[0]


def seal_and_index(
    number: CardNumber, cipher: AESGCM, nonce: bytes, bound_to: bytes, index_keys: Sequence[bytes]
) -> tuple[bytes, tuple[bytes, ...]]:
    """`seal_number`, and `card_index` under each of the keys, of a number that is opened once for all of them."""
    block = bytearray(BLOCK_LENGTH)
    try:
        with open_number(number) as digits:
            # From view to view: a bytearray takes a view's bytes by way of a copy, which nobody would zero.
            with memoryview(block) as view:
                view[0] = len(digits)
                view[1 : 1 + len(digits)] = digits
            indexes = tuple([hmac.digest(key, digits, "sha256") for key in index_keys])
        sealed = bytearray(BLOCK_LENGTH + TAG_LENGTH)
        cipher.encrypt_into(nonce, block, bound_to, sealed)
        return nonce + bytes(sealed), indexes
    finally:
        block[:] = _ZEROS


def unseal_number(sealed: bytes, cipher: AESGCM, bound_to: bytes) -> CardNumber:
    """The card number, to be destroyed by the caller. Raises CardUnreadableError when key, bytes or binding do not fit."""
    block = bytearray(BLOCK_LENGTH)
    try:
        if len(sealed) != NONCE_LENGTH + BLOCK_LENGTH + TAG_LENGTH:
            raise CardUnreadableError("a sealed card has the wrong size: its row was damaged")
        cipher.decrypt_into(sealed[:NONCE_LENGTH], sealed[NONCE_LENGTH:], bound_to, block)
        if not MIN_DIGITS <= block[0] <= MAX_DIGITS:
            raise CardUnreadableError("a sealed card opened to something that is no card number")
        return CardNumber(block[1 : 1 + block[0]])
    except InvalidTag:
        raise CardUnreadableError(
            "a sealed card does not open: its row was changed or moved, or its data key is another"
        ) from None
    finally:
        block[:] = _ZEROS


def card_index(number: CardNumber, index_key: bytes) -> bytes:
    """HMAC-SHA-256 over the whole number under the account's index key (PCI DSS 3.5.1.1): equal for equal cards of one account."""
    with open_number(number) as digits:
        return hmac.digest(index_key, digits, "sha256")


def reseal_number(
    sealed: bytes,
    opening: tuple[AESGCM, bytes],
    sealing: tuple[AESGCM, bytes],
    nonce: bytes,
    index_key: bytes | None,
) -> tuple[bytes, bytes | None]:
    """A sealed card under another key, and its index under `index_key` where one is given; the digits stay in one zeroed block.

    `opening` and `sealing` are a key and what the ciphertext is bound to. Raises CardUnreadableError.
    """
    block = bytearray(BLOCK_LENGTH)
    try:
        if len(sealed) != NONCE_LENGTH + BLOCK_LENGTH + TAG_LENGTH:
            raise CardUnreadableError("a sealed card has the wrong size: its row was damaged")
        opening[0].decrypt_into(sealed[:NONCE_LENGTH], sealed[NONCE_LENGTH:], opening[1], block)
        if not MIN_DIGITS <= block[0] <= MAX_DIGITS:
            raise CardUnreadableError("a sealed card opened to something that is no card number")
        index = None
        if index_key is not None:
            with memoryview(block) as view, view[1 : 1 + block[0]] as digits:
                index = hmac.digest(index_key, digits, "sha256")
        fresh = bytearray(BLOCK_LENGTH + TAG_LENGTH)
        sealing[0].encrypt_into(nonce, block, sealing[1], fresh)
        return nonce + bytes(fresh), index
    except InvalidTag:
        raise CardUnreadableError(
            "a sealed card does not open: its row was changed or moved, or its data key is another"
        ) from None
    finally:
        block[:] = _ZEROS
