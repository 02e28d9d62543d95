"""Secrets in the key/value store (version 2) of HashiCorp Vault or OpenBao. Reads; never writes, lists or renews."""

import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Final
from urllib.parse import quote

import httpx

from tonevault.plumbing.secret_sources.reference import SecretReference, SecretUnavailableError

ADDRESS_VARIABLE: Final = "VAULT_ADDR"
TOKEN_VARIABLE: Final = "VAULT_TOKEN"  # noqa: S105 - the name of a variable
TOKEN_FILE_VARIABLE: Final = "VAULT_TOKEN_FILE"  # noqa: S105 - the same; a Vault agent writes such a file
NAMESPACE_VARIABLE: Final = "VAULT_NAMESPACE"
CERTIFICATE_VARIABLE: Final = "VAULT_CACERT"
TIMEOUT_S: Final = 10.0
"""A process that starts waits no longer than this for one secret."""
TRIES: Final = 3
"""A Vault that changes its leader answers 5xx for a moment."""

_REFUSALS: Final = {
    400: "refused the token or the request; check VAULT_TOKEN",
    403: "refused the token; give its policy `read` on this path",
    404: "has nothing at this path; write MOUNT/PATH of a version 2 key/value store",
    503: "is sealed or in maintenance; unseal it",
}


def read_vault_secret(reference: SecretReference, environ: Mapping[str, str]) -> str:
    """The entry `key` of the newest version at `place`. Raises SecretUnavailableError."""
    address = environ.get(ADDRESS_VARIABLE, "").rstrip("/")
    if not address.startswith(("https://", "http://")):
        raise SecretUnavailableError(
            f"vault: set {ADDRESS_VARIABLE} to its address, for example https://vault.internal:8200"
        )
    mount, _, path = reference.place.partition("/")
    url = f"{address}/v1/{quote(mount)}/data/{quote(path)}"
    headers = {"X-Vault-Token": _token(environ), "X-Vault-Request": "true"}
    if namespace := environ.get(NAMESPACE_VARIABLE):
        headers["X-Vault-Namespace"] = namespace
    answer = _get(url, headers, environ.get(CERTIFICATE_VARIABLE))
    if answer.status_code != httpx.codes.OK:
        why = _REFUSALS.get(answer.status_code, f"answered {answer.status_code}; see its log")
        raise SecretUnavailableError(f"vault: {why}")
    return _entry(answer, reference.key or "")


def _token(environ: Mapping[str, str]) -> str:
    if token := environ.get(TOKEN_VARIABLE):
        return token
    if name := environ.get(TOKEN_FILE_VARIABLE):
        try:
            return Path(name).read_text().strip()
        except (OSError, UnicodeDecodeError):
            raise SecretUnavailableError(
                f"vault: {TOKEN_FILE_VARIABLE} names no file that can be read; correct it"
            ) from None
    raise SecretUnavailableError(
        f"vault: set {TOKEN_VARIABLE}, or {TOKEN_FILE_VARIABLE} to the file that holds it"
    )


def _get(url: str, headers: dict[str, str], certificate: str | None) -> httpx.Response:
    try:
        with httpx.Client(verify=_trust(certificate), timeout=TIMEOUT_S, trust_env=False) as client:
            answer = client.get(url, headers=headers)
            for _ in range(TRIES - 1):
                if answer.status_code < httpx.codes.INTERNAL_SERVER_ERROR:
                    break
                answer = client.get(url, headers=headers)
            return answer
    except httpx.TimeoutException:
        raise SecretUnavailableError(
            f"vault: did not answer within {TIMEOUT_S:.0f} s; check {ADDRESS_VARIABLE}"
        ) from None
    except httpx.HTTPError:
        raise SecretUnavailableError(
            f"vault: cannot be reached; check {ADDRESS_VARIABLE}, and {CERTIFICATE_VARIABLE} for a private authority"
        ) from None
    except httpx.InvalidURL:
        raise SecretUnavailableError(
            f"vault: {ADDRESS_VARIABLE} is no address; write https://HOST:PORT"
        ) from None


def _trust(certificate: str | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=certificate or None)
    except OSError:
        raise SecretUnavailableError(
            f"vault: {CERTIFICATE_VARIABLE} names no PEM file that can be read; correct it"
        ) from None


def _entry(answer: httpx.Response, key: str) -> str:
    try:
        found = answer.json()["data"]["data"][key]
    except (ValueError, KeyError, TypeError):
        found = None
    if not isinstance(found, str):
        raise SecretUnavailableError(
            "vault: the path has no text under this key (after `#`), or its newest version was deleted"
        )
    return found
