"""The custody on plain files: a key is put together in memory from two shares, and is nowhere else whole (PCI DSS 3.7.6)."""

import hmac
import secrets
from threading import Lock
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tonevault.cde.custodies.file import sharing
from tonevault.cde.custodies.file.share import CHECK_LENGTH, SUFFIX, Holder, Passphrases, SharePaths
from tonevault.cde.custodies.file.share_file import (
    WAY_OUT,
    erase_share,
    read_share,
    require_long_passphrases,
    write_share,
)
from tonevault.cde.key_custody import (
    CustodyKind,
    KeyCustodyError,
    does_not_open,
    require_data_key,
)
from tonevault.kernel.ids import make_secret_id
from tonevault.plumbing.entropy import SYSTEM_ENTROPY

KEY_PREFIX: Final = "kek"
NONCE_LENGTH: Final = 12
ONLINE: Final = (Holder.CUSTODIAN_ONE, Holder.CUSTODIAN_TWO)
"""Whose shares a start needs; the escrow's stays away."""


class FileCustody:
    """Wraps data keys by AES-256-GCM under keys of which two custodians hold a share each, and an escrow the third."""

    def __init__(self, paths: SharePaths, passphrases: Passphrases | None = None) -> None:
        """Read every key's two shares. Raises KeyCustodyError naming the file that is missing, open to others or damaged.

        Where there are whole keys beside it, a key that is not whole raises when it is asked for: a rotation that was killed
        leaves such a one, and must not keep the vault from starting.
        """
        self._paths = paths
        self._passphrases = passphrases or Passphrases()
        self._ciphers: dict[str, AESGCM] = {}
        self._lock = Lock()
        self._read_all()

    @classmethod
    def open_or_create(cls, paths: SharePaths, passphrases: Passphrases | None = None) -> "FileCustody":
        """The custody of these folders; a first key only where no share of any is there, so that a lost one is never papered over."""
        custody = cls(paths, passphrases)
        if not custody.key_ids():
            custody.make_key()
        return custody

    @property
    def kind(self) -> CustodyKind:
        """File."""
        return CustodyKind.FILE

    def key_ids(self) -> tuple[str, ...]:
        """The keys whose two shares are in their places."""
        with self._lock:
            return tuple(self._ciphers)

    def make_key(self, existing: str | None = None) -> str:
        """Make a key and write its three shares, the escrow's first: a key is not used before it can be recovered."""
        if existing is not None:
            raise KeyCustodyError("--key: this custody makes its keys itself; leave it out")
        require_long_passphrases(self._passphrases)
        key_id = make_secret_id(KEY_PREFIX, SYSTEM_ENTROPY)
        key = bytearray(secrets.token_bytes(sharing.KEY_LENGTH))
        try:
            check = key_check(key)
            shares = sharing.split(key, secrets.token_bytes(2 * sharing.KEY_LENGTH))
        finally:
            key[:] = bytes(len(key))
        for holder in (Holder.ESCROW, *ONLINE):
            write_share(
                self._paths, holder, key_id, check, body=shares[holder - 1], passphrases=self._passphrases
            )
        with self._lock:
            self._ciphers[key_id] = self._put_together(key_id)
        return key_id

    def wrap(self, data_key: bytes, context: bytes, key_id: str) -> bytes:
        """Nonce, ciphertext and tag (60 bytes) of a 32-byte data key."""
        require_data_key(data_key)
        nonce = secrets.token_bytes(NONCE_LENGTH)
        return nonce + self._cipher(key_id).encrypt(nonce, data_key, context)

    def unwrap(self, wrapped: bytes, context: bytes, key_id: str) -> bytes:
        """The data key. Raises KeyCustodyError when it was wrapped by another key, for another context, or was changed."""
        cipher = self._cipher(key_id)
        try:
            return cipher.decrypt(wrapped[:NONCE_LENGTH], wrapped[NONCE_LENGTH:], context)
        except (InvalidTag, ValueError):
            raise does_not_open() from None

    def destroy_key(self, key_id: str) -> str:
        """Erase the shares of a key wherever they lie here."""
        with self._lock:
            self._ciphers.pop(key_id, None)
        for holder in (*ONLINE, Holder.ESCROW):
            erase_share(self._paths.share(holder, key_id))
        return "its shares here are erased; have both custodians and the escrow destroy every copy they keep"

    def check(self) -> None:
        """The keys lie open in this process: what was read stays good."""
        if not self.key_ids():
            raise KeyCustodyError(f"no key-encrypting key is in {self._paths.custodian_one}; {WAY_OUT}")

    def _cipher(self, key_id: str) -> AESGCM:
        with self._lock:
            if key_id not in self._ciphers and self._exists(key_id):
                # Another node rotated: its new shares were put in place while this process ran.
                self._ciphers[key_id] = self._put_together(key_id)
            try:
                return self._ciphers[key_id]
            except KeyError:
                raise KeyCustodyError(
                    f"the shares of {key_id} are not here; bring two of its three shares back, "
                    "from the custodians or from escrow (`tonevault keys recover`)"
                ) from None

    def _read_all(self) -> None:
        found: dict[str, None] = {}
        for holder in ONLINE:
            for path in sorted(self._paths.of(holder).glob(f"{KEY_PREFIX}_*{SUFFIX}")):
                found.setdefault(path.name.removesuffix(SUFFIX))
        faults = []
        for key_id in found:
            try:
                self._ciphers[key_id] = self._put_together(key_id)
            except KeyCustodyError as error:
                faults.append(error)
        if faults and not self._ciphers:
            raise faults[0]

    def _exists(self, key_id: str) -> bool:
        return any(self._paths.share(holder, key_id).exists() for holder in ONLINE)

    def _put_together(self, key_id: str) -> AESGCM:
        key = join_shares(self._paths, ONLINE, key_id, self._passphrases)
        try:
            return AESGCM(key)
        finally:
            key[:] = bytes(len(key))


def join_shares(
    paths: SharePaths, holders: tuple[Holder, ...], key_id: str, passphrases: Passphrases
) -> bytearray:
    """The key of two shares, checked; the caller zeroes it. Raises KeyCustodyError."""
    shares, checks = {}, set()
    for holder in holders:
        shares[holder.value], check = read_share(paths, holder, key_id, passphrases)
        checks.add(check)
    places = " and ".join(str(paths.share(holder, key_id)) for holder in holders)
    key = bytearray(sharing.KEY_LENGTH)
    try:
        key = sharing.join(shares)
    except sharing.SharesDisagreeError:
        raise KeyCustodyError(_not_together(places)) from None
    if len(checks) != 1 or not hmac.compare_digest(key_check(key), checks.pop()):
        key[:] = bytes(len(key))
        raise KeyCustodyError(_not_together(places))
    return key


def key_check(key: bytearray) -> str:
    """A key check value: tells whether the key is the right one and, being a keyed hash of a constant, nothing else of it."""
    return hmac.digest(key, b"tonevault key check", "sha256").hex()[:CHECK_LENGTH]


def _not_together(places: str) -> str:
    return (
        f"the shares do not make the key they name: {places}; "
        "bring the shares that were made together, from their custodians or from escrow"
    )
