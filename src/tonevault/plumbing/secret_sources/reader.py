"""Fetches the secret behind a reference, once, when a process starts. Keeps nothing and logs nothing."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from pydantic import SecretStr

from tonevault.plumbing.secret_sources.aws_secrets_manager import read_aws_secret
from tonevault.plumbing.secret_sources.hashicorp_vault import read_vault_secret
from tonevault.plumbing.secret_sources.reference import (
    SecretReference,
    SecretSource,
    SecretUnavailableError,
)

MAX_SECRET_BYTES: Final = 65_536
"""A secret is a password or a key; a larger file was named by mistake."""


class SecretReader:
    """Reads secrets for one process; `environ` holds the variables of `env:` and the addresses of the remote sources."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ

    def read(self, reference: SecretReference) -> SecretStr:
        """The secret. Raises SecretUnavailableError: what is wrong and the way out, naming the source and not the secret."""
        text = self._fetch(reference)
        if not text:
            raise SecretUnavailableError(
                f"{reference.source.value}: the secret is empty; store it there first"
            )
        return SecretStr(text)

    def _fetch(self, reference: SecretReference) -> str:
        match reference.source:
            case SecretSource.FILE:
                return _read_file(Path(reference.place))
            case SecretSource.ENVIRONMENT:
                return self._read_variable(reference.place)
            case SecretSource.AWS_SECRETS_MANAGER:
                return read_aws_secret(reference, self._environ)
            case SecretSource.VAULT:
                return read_vault_secret(reference, self._environ)

    def _read_variable(self, name: str) -> str:
        text = self._environ.get(name)
        if text is None:
            raise SecretUnavailableError("env: names a variable that is not set; set it, or correct its name")
        return text


def _read_file(path: Path) -> str:
    if not path.is_file():
        raise SecretUnavailableError("file: names no file; create it or correct the path")
    try:
        with path.open("rb") as file:
            content = file.read(MAX_SECRET_BYTES + 1)
    except OSError:
        raise SecretUnavailableError(
            "file: cannot be read by this user; give its owner or group the right to read it"
        ) from None
    if len(content) > MAX_SECRET_BYTES:
        raise SecretUnavailableError(
            f"file: is larger than {MAX_SECRET_BYTES} bytes; name the file that holds the secret alone"
        )
    try:
        return content.decode().strip()
    except UnicodeDecodeError:
        raise SecretUnavailableError(
            "file: is not UTF-8 text; name the file that holds the secret alone"
        ) from None
