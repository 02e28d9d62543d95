"""Key-encrypting keys in AWS KMS, by the machine's own AWS identity. They never leave KMS. Needs `tonevault[aws]`."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Final, TypeVar

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from tonevault.cde.key_custody import (
    CustodyKind,
    KeyCustodyError,
    KeyCustodyUnavailableError,
    does_not_open,
    require_data_key,
    require_round_trip,
)
from tonevault.kernel.ids import ALPHABET

if TYPE_CHECKING:
    from types_boto3_kms import KMSClient

CONNECT_TIMEOUT_S: Final = 2
READ_TIMEOUT_S: Final = 3
TRIES: Final = 2
"""With the time-outs above, a question ends within ten seconds; a data key that is open needs none."""
DELETION_DAYS: Final = 30
"""The longest that KMS waits before it deletes a key: until then `kms:CancelKeyDeletion` brings it back."""
KEY_LETTERS: Final = 28
"""26**28 names every 128-bit key id of KMS in letters, for no id of ours holds digits."""
_SHAPE: Final = re.compile(rf"^(kms|mrk)_([a-z]{{{KEY_LETTERS}}})$")

_REFUSALS: Final = {
    "DisabledException": "the key is disabled; enable it in KMS, or correct which key is in force",
    "KMSInvalidStateException": "the key is pending deletion or not usable; cancel its deletion in KMS",
    "NotFoundException": "the key is not in this region and account; correct secure.keys.aws_kms.region",
    "AccessDeniedException": "the identity may not use the key; allow kms:Encrypt and kms:Decrypt on it, and kms:ListAliases",
    "UnrecognizedClientException": "the machine's AWS identity is not known; check its credentials",
    "InvalidKeyUsageException": "the key is not for symmetric encryption; name another",
    "UnsupportedOperationException": "the key is not for symmetric encryption; name another",
    "AlreadyExistsException": "the key is in the custody already",
    "LimitExceededException": "the account has as many keys as KMS allows it; raise the quota",
}
_DOES_NOT_FIT: Final = ("InvalidCiphertextException", "IncorrectKeyException")
_LATER: Final = (
    "ThrottlingException",
    "KMSInternalException",
    "DependencyTimeoutException",
    "KeyUnavailableException",
    "ServiceUnavailableException",
    "RequestTimeout",
)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class KmsPlace:
    """Where KMS is, and the word under which this deployment's keys are listed: aliases `alias/WORD/…`. It must not change."""

    region: str | None = None
    endpoint: str | None = None
    alias: str = "tonevault"


class AwsKmsCustody:
    """Wraps data keys by KMS's Encrypt, bound by encryption context to this deployment, account, purpose and epoch."""

    def __init__(self, place: KmsPlace) -> None:
        """Nothing is asked yet. Raises KeyCustodyError when there is no region."""
        limits = Config(
            connect_timeout=CONNECT_TIMEOUT_S,
            read_timeout=READ_TIMEOUT_S,
            retries={"total_max_attempts": TRIES, "mode": "standard"},
        )
        self._place = place
        self._known: tuple[str, ...] = ()
        self._lock = Lock()
        try:
            self._kms: KMSClient = boto3.client(
                "kms", region_name=place.region, endpoint_url=place.endpoint, config=limits
            )
        except (BotoCoreError, ValueError):
            raise KeyCustodyError("secure.keys.aws_kms.region: set it, or AWS_REGION") from None

    @property
    def kind(self) -> CustodyKind:
        """AWS KMS."""
        return CustodyKind.AWS_KMS

    def key_ids(self) -> tuple[str, ...]:
        """The keys that have an alias of this deployment, by name."""
        return self._list()

    def make_key(self, existing: str | None = None) -> str:
        """Create a key, or take `existing` (an ARN, key id or alias): KMS's own administrators may keep kms:CreateKey to themselves."""
        if existing is None:
            made = self._ask(lambda: self._kms.create_key(Description="Tonevault key-encrypting key"))
        else:
            made = self._ask(lambda: self._kms.describe_key(KeyId=existing))
        found = made["KeyMetadata"]
        if found.get("KeyState") != "Enabled" or found.get("KeySpec") != "SYMMETRIC_DEFAULT":
            raise KeyCustodyError("--key: must be an enabled symmetric key (SYMMETRIC_DEFAULT); name another")
        key_id = _letters_of(found["KeyId"])
        alias = f"{self._prefix}{key_id}"
        self._ask(lambda: self._kms.create_alias(AliasName=alias, TargetKeyId=found["KeyId"]))
        self._list()
        return key_id

    def wrap(self, data_key: bytes, context: bytes, key_id: str) -> bytes:
        """KMS's ciphertext of a 32-byte data key."""
        require_data_key(data_key)
        name, bound_to = self._name(key_id), self._bound_to(context)
        answer = self._ask(
            lambda: self._kms.encrypt(KeyId=name, Plaintext=data_key, EncryptionContext=bound_to)
        )
        return answer["CiphertextBlob"]

    def unwrap(self, wrapped: bytes, context: bytes, key_id: str) -> bytes:
        """The data key. Raises KeyCustodyError when key, bytes or context do not fit, and when the key is disabled."""
        if not wrapped:
            raise does_not_open()
        name, bound_to = self._name(key_id), self._bound_to(context)
        answer = self._ask(
            lambda: self._kms.decrypt(KeyId=name, CiphertextBlob=wrapped, EncryptionContext=bound_to)
        )
        return answer["Plaintext"]

    def destroy_key(self, key_id: str) -> str:
        """Schedule the key's deletion and take its alias away."""
        if key_id in self._list():
            name = self._name(key_id)
            self._ask(lambda: self._kms.schedule_key_deletion(KeyId=name, PendingWindowInDays=DELETION_DAYS))
            self._ask(lambda: self._kms.delete_alias(AliasName=f"{self._prefix}{key_id}"))
            self._list()
        return (
            f"KMS deletes it {DELETION_DAYS} days after this; until then kms:CancelKeyDeletion brings it back"
        )

    def check(self) -> None:
        """Every key wraps and unwraps now."""
        require_round_trip(self)

    @property
    def _prefix(self) -> str:
        return f"alias/{self._place.alias}/"

    def _bound_to(self, context: bytes) -> dict[str, str]:
        # Stands in clear in CloudTrail: names of ours, none of them secret.
        return {"tonevault": self._place.alias, "for": context.decode("ascii")}

    def _name(self, key_id: str) -> str:
        """KMS's own id of a key of this deployment; one that was added meanwhile is looked for."""
        if key_id not in self._known and key_id not in self._list():
            raise KeyCustodyError(
                f"the key has no alias {self._prefix}… in KMS; create it again, or correct the region"
            )
        return _uuid_of(key_id)

    def _list(self) -> tuple[str, ...]:
        def names() -> list[str]:
            pages = self._kms.get_paginator("list_aliases").paginate()
            return [
                each["AliasName"].removeprefix(self._prefix) for page in pages for each in page["Aliases"]
            ]

        found = self._ask(names)
        with self._lock:
            self._known = tuple(sorted(name for name in found if _SHAPE.match(name)))
            return self._known

    def _ask(self, question: Callable[[], T]) -> T:
        try:
            return question()
        except ClientError as error:
            code = str(error.response.get("Error", {}).get("Code", ""))
            if code in _DOES_NOT_FIT:
                raise does_not_open() from None
            if code in _LATER:
                raise KeyCustodyUnavailableError(f"aws-kms: cannot answer now ({code})") from None
            why = _REFUSALS.get(code, "refused; see its audit trail (CloudTrail)")
            raise KeyCustodyError(f"aws-kms: {why}") from None
        except BotoCoreError as error:
            raise KeyCustodyUnavailableError(
                f"aws-kms: cannot be asked ({type(error).__name__}); "
                "check the machine's AWS identity and the way to the endpoint"
            ) from None


def _letters_of(kms_id: str) -> str:
    """KMS's id of a key (a UUID, or `mrk-` and 32 hexadecimal digits) in letters, and back by `_uuid_of`."""
    prefix = "mrk" if kms_id.startswith("mrk-") else "kms"
    number = int(kms_id.removeprefix("mrk-").replace("-", ""), 16)
    letters = []
    for _ in range(KEY_LETTERS):
        number, rest = divmod(number, len(ALPHABET))
        letters.append(ALPHABET[rest])
    return f"{prefix}_{''.join(reversed(letters))}"


def _uuid_of(key_id: str) -> str:
    match = _SHAPE.match(key_id)
    if match is None:
        raise KeyCustodyError("no key of KMS has an id of this shape; correct secure.keys.custody")
    number = 0
    for letter in match[2]:
        number = number * len(ALPHABET) + ALPHABET.index(letter)
    text = f"{number:032x}"
    if match[1] == "mrk":
        return f"mrk-{text}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
