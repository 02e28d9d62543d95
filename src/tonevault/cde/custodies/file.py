"""The key-encrypting key in two custodians' share files. One share tells nothing of the key; both are needed (PCI DSS 3.7.6)."""

import hashlib
import hmac
import os
import secrets
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tonevault.cde.key_custody import KeyCustodyError
from tonevault.kernel.ids import make_secret_id
from tonevault.plumbing.entropy import SYSTEM_ENTROPY

KEY_LENGTH: Final = 32
NONCE_LENGTH: Final = 12
SHARE_MODE: Final = 0o600
FOLDER_MODE: Final = 0o700
MAX_SHARE_FILE: Final = 1_024
"""Bytes read of a share file: a true one has under 300, and a wrong path must not fill the memory."""
HEADING: Final = "tonevault key share"
CHECK_LENGTH: Final = 16
_WAY_OUT: Final = (
    "put it back from its custodian or from escrow; stored cards cannot be opened without both shares"
)


@dataclass(frozen=True, slots=True)
class SharePaths:
    """Where the two custodians' shares lie: best on media that no one person holds both of."""

    first: Path
    second: Path

    @classmethod
    def below(cls, data_dir: Path) -> "SharePaths":
        """The places that `tonevault serve` uses on one machine, each in a folder of its own."""
        keys = data_dir / "keys"
        return cls(keys / "custodian-one" / "share", keys / "custodian-two" / "share")

    def numbered(self) -> tuple[tuple[int, Path], tuple[int, Path]]:
        """Each path with the number of its share."""
        return (1, self.first), (2, self.second)


@dataclass(frozen=True, slots=True)
class _Share:
    key_id: str
    number: int
    key_check: str
    part: bytes = field(repr=False)

    def text(self) -> str:
        lines = [
            f"{HEADING} {self.number} of 2",
            f"key {self.key_id}",
            f"key-check {self.key_check}",
            f"share {self.part.hex()}",
        ]
        return "\n".join([*lines, f"file-check {_file_check(lines)}", ""])


class FileCustody:
    """Wraps data keys by AES-256-GCM under a key that is put together in memory from two share files."""

    def __init__(self, paths: SharePaths) -> None:
        """Read both shares. Raises KeyCustodyError naming the file that is missing, open to others, damaged or of another key."""
        shares = [_read(number, path) for number, path in paths.numbered()]
        if shares[0].key_id != shares[1].key_id:
            raise KeyCustodyError(
                f"the shares are of different keys: {paths.first} and {paths.second}; "
                "bring the two shares that were made together, from their custodians or from escrow"
            )
        key = bytearray(a ^ b for a, b in zip(shares[0].part, shares[1].part, strict=True))
        try:
            if not hmac.compare_digest(_key_check(key), shares[0].key_check):
                raise KeyCustodyError(
                    f"the shares do not make the key they name: {paths.first}, {paths.second}; restore both from escrow"
                )
            self._cipher = AESGCM(key)
        finally:
            key[:] = bytes(KEY_LENGTH)
        self._key_id = shares[0].key_id

    @classmethod
    def create(cls, paths: SharePaths) -> "FileCustody":
        """Make a new key and write its two shares, never over a file that is there. Raises KeyCustodyError."""
        for number, path in paths.numbered():
            if path.exists():
                raise KeyCustodyError(
                    f"share {number} of 2 is there already: {path}; a key is never overwritten, "
                    "for the cards under it would be lost"
                )
        key_id = make_secret_id("kek", SYSTEM_ENTROPY)
        mask, key = secrets.token_bytes(KEY_LENGTH), bytearray(secrets.token_bytes(KEY_LENGTH))
        check = _key_check(key)
        other = bytes(a ^ b for a, b in zip(mask, key, strict=True))
        key[:] = bytes(KEY_LENGTH)
        for (number, path), part in zip(paths.numbered(), (mask, other), strict=True):
            _write(path, _Share(key_id, number, check, part).text())
        return cls(paths)

    @classmethod
    def open_or_create(cls, paths: SharePaths) -> "FileCustody":
        """The custody of these shares; a new key only where neither share is there, so that a lost one is never papered over."""
        if any(path.exists() for _, path in paths.numbered()):
            return cls(paths)
        return cls.create(paths)

    @property
    def key_id(self) -> str:
        """Name of the key, made at random with it."""
        return self._key_id

    def wrap(self, data_key: bytes, context: bytes) -> bytes:
        """Nonce, ciphertext and tag (60 bytes) of a 32-byte data key."""
        if len(data_key) != KEY_LENGTH:
            raise KeyCustodyError("a data key has 32 bytes")
        nonce = secrets.token_bytes(NONCE_LENGTH)
        return nonce + self._cipher.encrypt(nonce, data_key, context)

    def unwrap(self, wrapped: bytes, context: bytes, key_id: str) -> bytes:
        """The data key. Raises KeyCustodyError when it was wrapped by another key, for another context, or was changed."""
        if key_id != self._key_id:
            raise KeyCustodyError(
                f"this data key was wrapped by {key_id}, and the shares in place are of {self._key_id}; "
                f"bring both shares of {key_id} back, from their custodians or from escrow"
            )
        try:
            return self._cipher.decrypt(wrapped[:NONCE_LENGTH], wrapped[NONCE_LENGTH:], context)
        except (InvalidTag, ValueError):
            raise KeyCustodyError(
                "a wrapped data key does not open: its row was changed or moved to another account; "
                "restore the database's account_key table from a backup"
            ) from None


def _read(number: int, path: Path) -> _Share:
    """One share, checked. Messages name the file and the way out and repeat nothing that stands in it."""
    which = f"share {number} of 2 of the key-encrypting key"
    try:
        content = _content(path, which)
    except FileNotFoundError:
        raise KeyCustodyError(f"{which} is missing: {path}; {_WAY_OUT}") from None
    except OSError as error:
        raise KeyCustodyError(f"{which} cannot be read: {path} ({error.strerror}); {_WAY_OUT}") from None
    share = _parse(content.decode("ascii", errors="replace"))
    if share is None:
        raise KeyCustodyError(f"{which} is damaged: {path}; {_WAY_OUT}")
    if share.number != number:
        raise KeyCustodyError(
            f"{path} holds share {share.number}, where share {number} belongs; swap the paths"
        )
    return share


def _content(path: Path, which: str) -> bytes:
    # Without O_NONBLOCK a named pipe in the share's place would hold the start for ever.
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise KeyCustodyError(f"{which} is not a plain file: {path}; {_WAY_OUT}")
        if stat.S_IMODE(status.st_mode) & 0o077 or status.st_uid != os.geteuid():
            raise KeyCustodyError(
                f"{which} is open to others: {path}; make it its owner's alone (chmod 600), "
                "and renew the key if anyone else may have read it"
            )
        return os.read(descriptor, MAX_SHARE_FILE)
    finally:
        os.close(descriptor)


def _parse(text: str) -> _Share | None:
    lines = text.splitlines()
    if len(lines) != 5 or lines[4] != f"file-check {_file_check(lines[:4])}":
        return None
    starts = (f"{HEADING} ", "key ", "key-check ", "share ")
    if not all(line.startswith(start) for line, start in zip(lines, starts, strict=False)):
        return None
    number, key_id, check, part = (
        line.removeprefix(start) for line, start in zip(lines, starts, strict=False)
    )
    try:
        share = _Share(key_id, int(number.removesuffix(" of 2")), check, bytes.fromhex(part))
    except ValueError:
        return None
    return share if len(share.part) == KEY_LENGTH else None


def _write(path: Path, text: str) -> None:
    """Write a new file and force it and its name to the disk: a key that a power cut takes has taken the cards with it."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=FOLDER_MODE)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, SHARE_MODE)
    except OSError as error:
        raise KeyCustodyError(f"a key share cannot be written: {path} ({error.strerror})") from None
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _file_check(lines: list[str]) -> str:
    return hashlib.sha256("\n".join(lines).encode("ascii", errors="replace")).hexdigest()[:CHECK_LENGTH]


def _key_check(key: bytearray) -> str:
    """A key check value: tells whether the key is the right one and, being a keyed hash of a constant, nothing else of it."""
    return hmac.digest(key, b"tonevault key check", "sha256").hex()[:CHECK_LENGTH]
