"""Key-encrypting keys in a hardware security module (PKCS#11 2.40) that cannot be taken out of it. Needs `tonevault[pkcs11]`."""

import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Final, TypeVar, cast

import pkcs11
from pkcs11 import DecryptMixin, EncryptMixin, Session
from pkcs11 import exceptions as refusals

from tonevault.cde.key_custody import (
    CustodyKind,
    KeyCustodyError,
    KeyCustodyUnavailableError,
    does_not_open,
    require_data_key,
    require_round_trip,
)
from tonevault.kernel.ids import make_secret_id
from tonevault.plumbing.entropy import SYSTEM_ENTROPY

KEY_PREFIX: Final = "kek"
KEY_LABEL: Final = re.compile(rf"^{KEY_PREFIX}_[a-z]{{28}}$")
NONCE_LENGTH: Final = 12
TAG_LENGTH: Final = 16
OPENINGS: Final = 2
"""A session that the module has dropped (a restart, a card drawn and put back) is opened anew once for each call."""

T = TypeVar("T")

_SESSION_LOST: Final = (
    refusals.SessionHandleInvalid,
    refusals.SessionClosed,
    refusals.DeviceRemoved,
    refusals.DeviceError,
    refusals.TokenNotPresent,
    refusals.UserNotLoggedIn,
    refusals.KeyHandleInvalid,
    refusals.ObjectHandleInvalid,
)
_DOES_NOT_FIT: Final = (
    refusals.EncryptedDataInvalid,
    refusals.EncryptedDataLenRange,
    refusals.DataInvalid,
    refusals.GeneralError,
    refusals.FunctionFailed,
)
"""Modules differ in how they say that a tag does not fit."""


@dataclass(frozen=True, slots=True)
class ModulePlace:
    """Which token of which module, and the PIN of its user."""

    module: Path
    token: str
    pin: str = field(repr=False)


class Pkcs11Custody:
    """Wraps data keys by AES-256-GCM inside the module, under keys labelled with their ids."""

    def __init__(self, place: ModulePlace) -> None:
        """Log in. Raises KeyCustodyError naming what is wrong: the library, the token, the PIN."""
        self._place = place
        self._lock = Lock()
        self._session: Session | None = None
        self._keys: dict[str, _Key] = {}
        self._call(_labels)

    @property
    def kind(self) -> CustodyKind:
        """PKCS#11."""
        return CustodyKind.PKCS11

    def key_ids(self) -> tuple[str, ...]:
        """Labels of the token's keys that were made here."""
        return self._call(_labels)

    def make_key(self, existing: str | None = None) -> str:
        """Generate a key inside the module: sensitive, not extractable, for encryption alone."""
        if existing is not None:
            raise KeyCustodyError("--key: this custody makes its keys itself; leave it out")
        key_id = make_secret_id(KEY_PREFIX, SYSTEM_ENTROPY)
        self._call(lambda session: _generate(session, key_id))
        return key_id

    def wrap(self, data_key: bytes, context: bytes, key_id: str) -> bytes:
        """Nonce, ciphertext and tag (60 bytes) of a 32-byte data key."""
        require_data_key(data_key)
        nonce = secrets.token_bytes(NONCE_LENGTH)
        return nonce + self._call(lambda session: self._encrypt(session, key_id, data_key, nonce, context))

    def unwrap(self, wrapped: bytes, context: bytes, key_id: str) -> bytes:
        """The data key. Raises KeyCustodyError when key, bytes or context do not fit."""
        nonce, sealed = wrapped[:NONCE_LENGTH], wrapped[NONCE_LENGTH:]
        if len(sealed) <= TAG_LENGTH:
            raise does_not_open()
        return self._call(lambda session: self._decrypt(session, key_id, sealed, nonce, context))

    def destroy_key(self, key_id: str) -> str:
        """Destroy the object in the module."""

        def destroy(session: Session) -> None:
            for each in session.get_objects(_wanted(key_id)):
                each.destroy()
            self._keys.pop(key_id, None)

        self._call(destroy)
        return (
            "it is destroyed in the module; destroy it in the module's backups and its other partitions too"
        )

    def check(self) -> None:
        """Every key wraps and unwraps now."""
        require_round_trip(self)

    def _encrypt(self, session: Session, key_id: str, data_key: bytes, nonce: bytes, context: bytes) -> bytes:
        parameters = pkcs11.GCMParams(nonce, context, TAG_LENGTH * 8)
        key = self._key(session, key_id)
        return cast(
            "bytes", key.encrypt(data_key, mechanism=pkcs11.Mechanism.AES_GCM, mechanism_param=parameters)
        )

    def _decrypt(self, session: Session, key_id: str, sealed: bytes, nonce: bytes, context: bytes) -> bytes:
        parameters = pkcs11.GCMParams(nonce, context, TAG_LENGTH * 8)
        key = self._key(session, key_id)
        try:
            return cast(
                "bytes", key.decrypt(sealed, mechanism=pkcs11.Mechanism.AES_GCM, mechanism_param=parameters)
            )
        except _DOES_NOT_FIT:
            raise does_not_open() from None

    def _key(self, session: Session, key_id: str) -> "_Key":
        """The handle of a key, good as long as the session is."""
        held = self._keys.get(key_id)
        if held is None:
            found = list(session.get_objects(_wanted(key_id)))
            if len(found) != 1:
                raise KeyCustodyError(
                    f"the token holds {len(found)} keys labelled {key_id}, where one belongs; bring the token or its backup back"
                    if KEY_LABEL.match(key_id)
                    else "no key of a hardware module has an id of this shape; correct secure.keys.custody"
                )
            held = self._keys[key_id] = cast("_Key", found[0])
        return held

    def _call(self, work: Callable[[Session], T]) -> T:
        """Run `work` in the session, one call at a time: PKCS#11 sessions are not for several threads (section 6.7.6)."""
        with self._lock:
            for opening in range(1, OPENINGS + 1):
                try:
                    if self._session is None:
                        self._session = self._open()
                    return work(self._session)
                except _SESSION_LOST as error:
                    self._session = None
                    self._keys.clear()
                    if opening == OPENINGS:
                        raise _unavailable(error) from None
                except pkcs11.PKCS11Error as error:
                    raise _unavailable(error) from None
        raise AssertionError("unreachable: the last opening returns or raises")

    def _open(self) -> Session:
        try:
            library = pkcs11.lib(str(self._place.module))
        except (RuntimeError, OSError):
            raise KeyCustodyError(
                "secure.keys.pkcs11.module: is no PKCS#11 library that can be loaded; correct its path"
            ) from None
        try:
            token = library.get_token(token_label=self._place.token)
            try:
                return token.open(rw=True, user_pin=self._place.pin)
            except refusals.UserAlreadyLoggedIn:
                # A login is the process's (PKCS#11 section 6.7.4): another session has made it.
                return token.open(rw=True)
        except (refusals.NoSuchToken, refusals.MultipleTokensReturned):
            raise KeyCustodyError(
                "secure.keys.pkcs11.token: the module has not exactly one token of this label; correct it, or insert the token"
            ) from None
        except (refusals.PinIncorrect, refusals.PinInvalid, refusals.PinLenRange):
            raise KeyCustodyError(
                "secure.keys.pkcs11.pin: the token refuses it; correct it before the token locks"
            ) from None
        except refusals.PinLocked:
            raise KeyCustodyError(
                "the token is locked after wrong PINs; its security officer unlocks it"
            ) from None


class _Key(EncryptMixin, DecryptMixin):
    """A secret key's handle, as far as it is used here."""


def _labels(session: Session) -> tuple[str, ...]:
    wanted = {
        pkcs11.Attribute.CLASS: pkcs11.ObjectClass.SECRET_KEY,
        pkcs11.Attribute.KEY_TYPE: pkcs11.KeyType.AES,
    }
    labels = (str(each[pkcs11.Attribute.LABEL]) for each in session.get_objects(wanted))
    return tuple(sorted(label for label in labels if KEY_LABEL.match(label)))


def _generate(session: Session, key_id: str) -> None:
    session.generate_key(
        pkcs11.KeyType.AES,
        256,
        label=key_id,
        store=True,
        capabilities=pkcs11.MechanismFlag.ENCRYPT | pkcs11.MechanismFlag.DECRYPT,
        template={
            pkcs11.Attribute.SENSITIVE: True,
            pkcs11.Attribute.EXTRACTABLE: False,
            pkcs11.Attribute.MODIFIABLE: False,
        },
    )


def _wanted(key_id: str) -> dict[pkcs11.Attribute, object]:
    # An empty label would match every object.
    label = key_id if KEY_LABEL.match(key_id) else "no such key"
    return {
        pkcs11.Attribute.CLASS: pkcs11.ObjectClass.SECRET_KEY,
        pkcs11.Attribute.KEY_TYPE: pkcs11.KeyType.AES,
        pkcs11.Attribute.LABEL: label,
    }


def _unavailable(error: Exception) -> KeyCustodyUnavailableError:
    return KeyCustodyUnavailableError(
        f"the hardware module does not work ({type(error).__name__}); look at the module and its service"
    )
