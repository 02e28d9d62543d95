"""Shares on disk: each its owner's alone, written once and forced to the disk, read with every fault named and nothing repeated."""

import os
import secrets
import stat
from pathlib import Path
from typing import Final

from tonevault.cde.custodies.file.share import Holder, Passphrases, Share, SharePaths, parse_share
from tonevault.cde.custodies.file.share_seal import MIN_PASSPHRASE, WrongPassphraseError, new_seal
from tonevault.cde.custodies.file.sharing import SHARE_LENGTH
from tonevault.cde.key_custody import KeyCustodyError

SHARE_MODE: Final = 0o600
FOLDER_MODE: Final = 0o700
MAX_SHARE_FILE: Final = 1_024
"""Bytes read of a share file: a true one has under 600, and a wrong path must not fill the memory."""
WAY_OUT: Final = (
    "put it back from its custodian, or rebuild it from the other share and escrow (`tonevault keys recover`); "
    "stored cards cannot be opened without two of the three shares"
)


def read_share(paths: SharePaths, holder: Holder, key_id: str, passphrases: Passphrases) -> tuple[bytes, str]:
    """A share opened, and the check value of its key. Raises KeyCustodyError naming the file and the way out."""
    path = paths.share(holder, key_id)
    which = f"the share of {holder.words} of the key-encrypting key"
    try:
        content = _content(path, which)
    except FileNotFoundError:
        raise KeyCustodyError(f"{which} is missing: {path}; {WAY_OUT}") from None
    except OSError as error:
        raise KeyCustodyError(f"{which} cannot be read: {path} ({error.strerror}); {WAY_OUT}") from None
    share = parse_share(content.decode("ascii", errors="replace"))
    if share is None:
        raise KeyCustodyError(f"{which} is damaged: {path}; {WAY_OUT}")
    if share.holder is not holder:
        raise KeyCustodyError(
            f"{path} holds the share of {share.holder.words}, where that of {holder.words} belongs; swap the folders"
        )
    if share.key_id != key_id:
        raise KeyCustodyError(f"{path} holds a share of another key than its name says; {WAY_OUT}")
    body = _opened(share, which, path, passphrases)
    if len(body) != SHARE_LENGTH:
        raise KeyCustodyError(f"{which} is damaged: {path}; {WAY_OUT}")
    return body, share.key_check


def write_share(
    paths: SharePaths, holder: Holder, key_id: str, key_check: str, *, body: bytes, passphrases: Passphrases
) -> None:
    """Write a share, sealed where its holder has a passphrase, never over one that is there. Raises KeyCustodyError."""
    path, passphrase = paths.share(holder, key_id), passphrases.of(holder)
    if passphrase is None:
        share = Share(key_id, holder, key_check, None, body)
    else:
        seal = new_seal()
        bound_to = Share(key_id, holder, key_check, seal, b"").bound()
        share = Share(key_id, holder, key_check, seal, seal.close(body, passphrase, bound_to))
    _write(path, share.text())


def require_long_passphrases(passphrases: Passphrases) -> None:
    """Raise KeyCustodyError for one that is too short, before any share is written."""
    for holder, passphrase in passphrases.by_holder.items():
        if len(passphrase) < MIN_PASSPHRASE:
            raise KeyCustodyError(
                f"{PASSPHRASE_SETTING[holder]}: must have at least {MIN_PASSPHRASE} characters; choose a longer one"
            )


def erase_share(path: Path) -> None:
    """Overwrite and remove a share. A disk that moves its blocks may keep the old ones: the page on keys says so."""
    try:
        with path.open("r+b") as file:
            file.write(secrets.token_bytes(path.stat().st_size))
            file.flush()
            os.fsync(file.fileno())
        path.unlink()
        _sync_folder(path.parent)
    except FileNotFoundError:
        return
    except OSError as error:
        raise KeyCustodyError(
            f"a share cannot be erased: {path} ({error.strerror}); erase it by hand"
        ) from None


def _opened(share: Share, which: str, path: Path, passphrases: Passphrases) -> bytes:
    if share.seal is None:
        return share.body
    passphrase = passphrases.of(share.holder)
    if passphrase is None:
        raise KeyCustodyError(
            f"{which} is sealed by a passphrase, and none is given: {path}; "
            f"{PASSPHRASE_SETTING[share.holder]} names where it lies"
        )
    try:
        return share.seal.open(share.body, passphrase, share.bound())
    except WrongPassphraseError:
        raise KeyCustodyError(
            f"{which} does not open by the passphrase given: {path}; its custodian has the right one"
        ) from None


PASSPHRASE_SETTING: Final = {
    Holder.CUSTODIAN_ONE: "secure.keys.passphrase_one",
    Holder.CUSTODIAN_TWO: "secure.keys.passphrase_two",
    Holder.ESCROW: "secure.keys.passphrase_escrow",
}


def _content(path: Path, which: str) -> bytes:
    # Without O_NONBLOCK a named pipe in the share's place would hold the start for ever.
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise KeyCustodyError(f"{which} is not a plain file: {path}; {WAY_OUT}")
        if stat.S_IMODE(status.st_mode) & 0o077 or status.st_uid != os.geteuid():
            raise KeyCustodyError(
                f"{which} is open to others: {path}; make it its owner's alone (chmod 600), "
                "and renew the key if anyone else may have read it (`tonevault keys rotate`)"
            )
        return os.read(descriptor, MAX_SHARE_FILE)
    finally:
        os.close(descriptor)


def _write(path: Path, text: str) -> None:
    """Write a new file whole or not at all, and force it and its name to the disk: with a key that a power cut takes go the cards."""
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=FOLDER_MODE)
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, SHARE_MODE)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        try:
            # A link, unlike a rename, refuses to take the place of a share that is there.
            path.hardlink_to(draft)
        finally:
            draft.unlink()
        _sync_folder(path.parent)
    except FileExistsError:
        raise KeyCustodyError(
            f"a share is there already: {path}; a key is never overwritten, for the cards under it would be lost"
        ) from None
    except OSError as error:
        raise KeyCustodyError(
            f"a key share cannot be written: {path} ({error.strerror}); give this user the folder"
        ) from None


def _sync_folder(path: Path) -> None:
    folder = os.open(path, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
