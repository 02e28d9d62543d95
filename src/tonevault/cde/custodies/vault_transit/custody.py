"""One named transit key, whose versions are the key-encrypting keys. Vault makes them, and they never leave it."""

import base64
import hashlib
import re
from typing import Final

from tonevault.cde.custodies.vault_transit.link import (
    Document,
    NotThereError,
    RefusedError,
    VaultLink,
    VaultPlace,
)
from tonevault.cde.key_custody import (
    CustodyKind,
    KeyCustodyError,
    does_not_open,
    require_data_key,
    require_round_trip,
)
from tonevault.kernel.ids import ALPHABET

KEY_TYPE: Final = "aes256-gcm96"
NAME_LETTERS: Final = 16
"""26**16 are 75 bits: enough to tell one named key from another."""
RENEW_BELOW: Final = 0.5
"""A token is renewed when less than this part of its time is left."""
_KEY_ID: Final = re.compile(rf"^vlt_([a-z]{{{NAME_LETTERS}}})_([a-z]{{1,6}})$")
_CIPHERTEXT: Final = re.compile(rb"^vault:v([1-9][0-9]{0,6}):[A-Za-z0-9+/=]+$")


class VaultTransitCustody:
    """Wraps data keys by transit's encrypt, with the account, purpose and epoch as associated data."""

    def __init__(self, place: VaultPlace, mount: str = "transit", key: str = "tonevault") -> None:
        """Nothing is asked yet; see VaultLink for what is raised."""
        self._link = VaultLink(place)
        self._mount = mount
        self._key = key
        self._name = _letters(
            int.from_bytes(hashlib.sha256(f"{mount}/{key}".encode()).digest()[:12]), NAME_LETTERS
        )

    @property
    def kind(self) -> CustodyKind:
        """Vault Transit."""
        return CustodyKind.VAULT_TRANSIT

    def key_ids(self) -> tuple[str, ...]:
        """The versions that may still decrypt, oldest first; none where the key is not there."""
        try:
            return tuple(self._id_of(version) for version in _versions(self._about()))
        except NotThereError:
            return ()

    def make_key(self, existing: str | None = None) -> str:
        """Make the key, or its next version; or take the version whose number is `existing`, which Vault's keeper made."""
        if existing is not None:
            return self._taken(existing)
        try:
            self._about()
        except NotThereError:
            self._link.post(self._path("keys"), {"type": KEY_TYPE, "exportable": False})
        else:
            self._link.post(f"{self._path('keys')}/rotate", {})
        about = self._about()
        if about.get("type") != KEY_TYPE or about.get("exportable") is not False:
            raise KeyCustodyError(
                f"secure.keys.vault_transit.key: must be of type {KEY_TYPE} and not exportable; name another"
            )
        return self._id_of(_versions(about)[-1])

    def wrap(self, data_key: bytes, context: bytes, key_id: str) -> bytes:
        """Vault's own text (`vault:v1:…`) of a 32-byte data key."""
        require_data_key(data_key)
        asked = {
            "plaintext": _text(data_key),
            "associated_data": _text(context),
            "key_version": self._version(key_id),
        }
        try:
            answer = self._link.post(self._path("encrypt"), asked)
        except RefusedError:
            raise KeyCustodyError(
                f"vault-transit: the version of {key_id} does not encrypt any more; `tonevault keys rotate`"
            ) from None
        return str(answer["ciphertext"]).encode("ascii")

    def unwrap(self, wrapped: bytes, context: bytes, key_id: str) -> bytes:
        """The data key. Raises KeyCustodyError when version, bytes or context do not fit."""
        match = _CIPHERTEXT.match(wrapped)
        if match is None or int(match[1]) != self._version(key_id):
            raise does_not_open()
        asked = {"ciphertext": wrapped.decode("ascii"), "associated_data": _text(context)}
        try:
            answer = self._link.post(self._path("decrypt"), asked)
        except RefusedError:
            raise does_not_open() from None
        return base64.b64decode(str(answer["plaintext"]))

    def destroy_key(self, key_id: str) -> str:
        """Trim the version away, and with it every one before: Vault forgets from the oldest on, so retire in that order."""
        version, about = self._version(key_id), self._about()
        if version in _versions(about):
            if version == _versions(about)[-1]:
                raise KeyCustodyError("vault-transit: the newest version cannot be destroyed; rotate first")
            keep = version + 1
            path = self._path("keys")
            self._link.post(
                f"{path}/config", {"min_decryption_version": keep, "min_encryption_version": keep}
            )
            self._link.post(f"{path}/trim", {"min_available_version": keep})
        return "Vault has trimmed this version and those before it; its own backups may still hold them"

    def check(self) -> None:
        """Every version wraps and unwraps now, and the token lives on: it is renewed when half of its time is over."""
        self._renew()
        require_round_trip(self)

    def _renew(self) -> None:
        about = self._link.get("auth/token/lookup-self")
        left, whole = _number(about, "ttl"), _number(about, "creation_ttl")
        if about.get("renewable") is True and left < whole * RENEW_BELOW:
            self._link.post("auth/token/renew-self", {})

    def _taken(self, existing: str) -> str:
        versions = _versions(self._about())
        if not existing.isdecimal() or int(existing) not in versions:
            raise KeyCustodyError(
                f"--key: must be the number of a version that the key has, {versions[0]} to {versions[-1]}"
            )
        return self._id_of(int(existing))

    def _about(self) -> Document:
        return self._link.get(self._path("keys"))

    def _path(self, act: str) -> str:
        return f"{self._mount}/{act}/{self._key}"

    def _id_of(self, version: int) -> str:
        return f"vlt_{self._name}_{_letters(version)}"

    def _version(self, key_id: str) -> int:
        match = _KEY_ID.match(key_id)
        if match is None or match[1] != self._name:
            raise KeyCustodyError(
                "the key is not a version of this transit key; correct secure.keys.vault_transit"
            )
        version = 0
        for letter in match[2]:
            version = version * len(ALPHABET) + ALPHABET.index(letter)
        return version


def _versions(about: Document) -> list[int]:
    keys, least = about.get("keys"), _number(about, "min_decryption_version")
    found = sorted(int(version) for version in keys) if isinstance(keys, dict) else []
    return [version for version in found if version >= least]


def _number(about: Document, name: str) -> int:
    value = about.get(name)
    return value if isinstance(value, int) else 0


def _letters(number: int, width: int = 1) -> str:
    letters = ""
    while number or len(letters) < width:
        number, rest = divmod(number, len(ALPHABET))
        letters = ALPHABET[rest] + letters
    return letters[-width:] if width > 1 else letters


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")
