"""A reference to a secret, as the configuration writes it. Refuses a secret that is written out, and never repeats what it refuses."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class SecretUnavailableError(ValueError):
    """The reference is sound, but its secret is not to be had; the message says why and the way out, without the secret."""


class SecretSource(StrEnum):
    """The kinds of reference (SPEC section 10)."""

    FILE = "file"
    ENVIRONMENT = "env"
    AWS_SECRETS_MANAGER = "aws-secretsmanager"
    VAULT = "vault"


SHAPES: Final = {
    SecretSource.FILE: "file:/path/to/it",
    SecretSource.ENVIRONMENT: "env:NAME",
    SecretSource.AWS_SECRETS_MANAGER: "aws-secretsmanager:NAME or aws-secretsmanager:NAME#JSON_KEY",
    SecretSource.VAULT: "vault:MOUNT/PATH#KEY",
}
"""How each is written, as its errors say it."""


@dataclass(frozen=True, slots=True)
class SecretReference:
    """Where a secret lies: `place` is a path or a name, `key` the entry in a document of several. Neither is secret."""

    source: SecretSource
    place: str
    key: str | None = None

    @classmethod
    def parse(cls, text: object) -> "SecretReference":
        """Read `SOURCE:PLACE#KEY`. Raises ValueError with the shape that is wanted."""
        scheme, colon, rest = text.partition(":") if isinstance(text, str) else ("", "", "")
        if not colon or scheme not in {each.value for each in SecretSource}:
            raise ValueError(
                "a secret is not written into the configuration; write a reference: "
                + ", ".join(SHAPES.values())
            )
        source = SecretSource(scheme)
        place, hash_sign, key = rest, "", ""
        if source in (SecretSource.AWS_SECRETS_MANAGER, SecretSource.VAULT):
            place, hash_sign, key = rest.partition("#")
        if (
            not place
            or (hash_sign and not key)
            or (source is SecretSource.VAULT and not _is_vault(place, key))
        ):
            raise ValueError(f"{source.value}: must be written as {SHAPES[source]}")
        return cls(source, place, key or None)


def _is_vault(place: str, key: str) -> bool:
    parts = place.split("/")
    return bool(key) and len(parts) > 1 and all(part not in ("", ".", "..") for part in parts)
