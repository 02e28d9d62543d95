"""The way to Vault's HTTP API: token, time-outs, tries, and what each refusal means. Repeats nothing of an answer but its data."""

import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import httpx

from tonevault.cde.key_custody import KeyCustodyError, KeyCustodyUnavailableError

TIMEOUT_S: Final = 3.0
TRIES: Final = 3
"""A Vault that changes its leader answers 5xx for a moment. With the time-out, a question ends within ten seconds."""
PAUSE_S: Final = 0.2
"""Between tries."""
MAX_TOKEN_BYTES: Final = 4_096

_LATER: Final = {
    412: "a replica has not caught up",
    429: "is asked too often",
    472: "answers from a standby",
    473: "answers from a standby",
    500: "has an internal error; see its log",
    502: "cannot reach its back end",
    503: "is sealed or in maintenance; unseal it",
    504: "does not answer its proxy",
}

Document = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class VaultPlace:
    """Where Vault is and how to log in; the variables that `vault:` references use too."""

    address: str
    token: str | None = field(default=None, repr=False)
    token_file: Path | None = None
    namespace: str | None = None
    authority: Path | None = None

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> "VaultPlace":
        """From VAULT_ADDR, VAULT_TOKEN or VAULT_TOKEN_FILE, VAULT_NAMESPACE and VAULT_CACERT. Raises KeyCustodyError."""
        address = environ.get("VAULT_ADDR", "").rstrip("/")
        if not address.startswith(("https://", "http://")):
            raise KeyCustodyError("vault-transit: set VAULT_ADDR, for example https://vault.internal:8200")
        token, file = environ.get("VAULT_TOKEN"), environ.get("VAULT_TOKEN_FILE")
        if not token and not file:
            raise KeyCustodyError(
                "vault-transit: set VAULT_TOKEN, or VAULT_TOKEN_FILE to the file that holds it"
            )
        authority = environ.get("VAULT_CACERT")
        return cls(
            address,
            token or None,
            Path(file) if file and not token else None,
            environ.get("VAULT_NAMESPACE"),
            Path(authority) if authority else None,
        )


class RefusedError(KeyCustodyError):
    """Vault refused the request: 400, which the caller knows the meaning of."""


class NotThereError(KeyCustodyError):
    """Vault has nothing at this path: 404."""


class VaultLink:
    """Asks Vault. A token that is read from a file is read anew when it is refused: a Vault agent renews it there."""

    def __init__(self, place: VaultPlace) -> None:
        """Nothing is asked yet. Raises KeyCustodyError for an authority that cannot be read."""
        self._place = place
        try:
            trust = ssl.create_default_context(cafile=place.authority)
        except OSError:
            raise KeyCustodyError(
                "vault-transit: VAULT_CACERT names no PEM file that can be read; correct it"
            ) from None
        # Questions are rare, for open keys are held: no connection is kept that a restart of Vault would leave half open.
        self._client = httpx.Client(
            base_url=f"{place.address}/v1/",
            verify=trust,
            timeout=TIMEOUT_S,
            trust_env=False,
            limits=httpx.Limits(max_keepalive_connections=0),
        )
        self._token = self._read_token()

    def get(self, path: str) -> Document:
        """The `data` of an answer. Raises KeyCustodyError."""
        return self._ask("GET", path, None)

    def post(self, path: str, body: Mapping[str, object]) -> Document:
        """The same for a request with a body."""
        return self._ask("POST", path, body)

    def _ask(self, method: str, path: str, body: Mapping[str, object] | None) -> Document:
        answer = self._send(method, path, body)
        if answer.status_code == httpx.codes.FORBIDDEN and self._place.token_file is not None:
            self._token = self._read_token()
            answer = self._send(method, path, body)
        match answer.status_code:
            case 200 | 204:
                return _data(answer)
            case 400:
                raise RefusedError(f"vault-transit: refused the request at {path.partition('/')[0]}")
            case 403:
                raise KeyCustodyError(
                    "vault-transit: refused the token; renew it, or give its policy what docs/keys.md lists"
                )
            case 404:
                raise NotThereError(
                    "vault-transit: has no such key or mount; correct secure.keys.vault_transit"
                )
            case later if later in _LATER:
                raise KeyCustodyUnavailableError(f"vault-transit: {_LATER[later]}")
            case other:
                raise KeyCustodyError(f"vault-transit: answered {other}; see its log")

    def _send(self, method: str, path: str, body: Mapping[str, object] | None) -> httpx.Response:
        headers = {"X-Vault-Token": self._token, "X-Vault-Request": "true"}
        if self._place.namespace:
            headers["X-Vault-Namespace"] = self._place.namespace
        for trial in range(1, TRIES + 1):
            try:
                answer = self._client.request(method, path, headers=headers, json=body)
            except httpx.InvalidURL:
                raise KeyCustodyError(
                    "vault-transit: VAULT_ADDR is no address; write https://HOST:PORT"
                ) from None
            except httpx.TransportError as error:
                if trial == TRIES:
                    raise KeyCustodyUnavailableError(
                        f"vault-transit: cannot be reached ({type(error).__name__}); "
                        "check VAULT_ADDR, the network, and VAULT_CACERT for a private authority"
                    ) from None
            else:
                if answer.status_code not in _LATER or trial == TRIES:
                    return answer
            # Encrypting, decrypting and reading change nothing, and making a version twice leaves one that is never used.
            time.sleep(PAUSE_S)
        raise AssertionError("unreachable: the last try returns or raises")

    def _read_token(self) -> str:
        if self._place.token_file is None:
            return self._place.token or ""
        try:
            with self._place.token_file.open("rb") as file:
                return file.read(MAX_TOKEN_BYTES).decode().strip()
        except (OSError, UnicodeDecodeError):
            raise KeyCustodyError(
                "vault-transit: VAULT_TOKEN_FILE names no file that can be read; correct it"
            ) from None


def _data(answer: httpx.Response) -> Document:
    if answer.status_code == httpx.codes.NO_CONTENT:
        return {}
    try:
        document = answer.json()
    except ValueError:
        raise KeyCustodyError("vault-transit: the answer is not Vault's; correct VAULT_ADDR") from None
    data = document.get("data") or document.get("auth") if isinstance(document, dict) else None
    return data if isinstance(data, dict) else {}
