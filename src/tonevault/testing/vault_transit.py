"""A double of HashiCorp Vault's HTTP API: the transit engine and the token's own routes, on a loopback port, for tests alone.

It speaks what https://developer.hashicorp.com/vault/api-docs/secret/transit says: versions, associated data, minimum versions, trimming,
the JSON of errors. Sealing, refusing and slowness are asked for by its attributes.
"""

import base64
import json
import secrets
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Final, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

MAX_BODY: Final = 65_536
NONCE_LENGTH: Final = 12

Document = dict[str, object]


@dataclass
class TransitKey:
    """One named key: its versions, and the least that may encrypt, decrypt and be there at all."""

    versions: dict[int, AESGCM]
    least_decryption: int = 1
    least_encryption: int = 0
    least_available: int = 0


class VaultRefusal(Exception):  # noqa: N818 - an answer, not a fault
    """Answered as Vault answers: a status and a list of errors."""

    def __init__(self, status: int, *errors: str) -> None:
        super().__init__(status)
        self.status = status
        self.errors = errors


@dataclass
class VaultDouble:
    """A running Vault. `tokens` are those it takes, with the seconds they have left; `sealed` answers 503 to everything."""

    tokens: dict[str, float] = field(default_factory=lambda: {"root": 3600.0})
    token_life_s: float = 3600.0
    sealed: bool = False
    failures: list[int] = field(default_factory=list)
    """Statuses that the next requests are answered with, one each, whatever they ask."""
    delay_s: float = 0.0
    mount: str = "transit"
    keys: dict[str, TransitKey] = field(default_factory=dict)
    seen: list[str] = field(default_factory=list)
    """Method and path of each request."""

    def __post_init__(self) -> None:
        """Listen; the port is free until then."""
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def address(self) -> str:
        """As VAULT_ADDR has it."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def answer(self, method: str, path: str, token: str, body: Document) -> Document:
        """The document of a 200 answer. Raises VaultRefusal."""
        with self._lock:
            self.seen.append(f"{method} {path}")
            if self.sealed:
                raise VaultRefusal(503, "Vault is sealed")
            if self.failures:
                raise VaultRefusal(self.failures.pop(0), "asked for by the test")
            if self.tokens.get(token, 0) <= 0:
                raise VaultRefusal(403, "permission denied")
            if path.startswith("auth/token/"):
                return self._token(path.removeprefix("auth/token/"), token)
            mount, _, rest = path.partition("/")
            if mount != self.mount:
                raise VaultRefusal(404, f"no handler for route '{path}'")
            return self._transit(method, rest, body)

    def _token(self, act: str, token: str) -> Document:
        if act == "renew-self":
            self.tokens[token] = self.token_life_s
            return {"auth": {"lease_duration": int(self.token_life_s), "renewable": True}}
        if act != "lookup-self":
            raise VaultRefusal(404)
        left = int(self.tokens[token])
        return {"data": {"ttl": left, "creation_ttl": int(self.token_life_s), "renewable": True}}

    def _transit(self, method: str, path: str, body: Document) -> Document:
        act, _, rest = path.partition("/")
        name, _, detail = rest.partition("/")
        if act == "keys" and method == "POST" and not detail:
            self.keys.setdefault(name, TransitKey({1: _fresh()}))
            return {"data": self._about(name)}
        if name not in self.keys:
            raise VaultRefusal(404 if act == "keys" else 400, "encryption key not found")
        match (act, detail):
            case ("keys", ""):
                return {"data": self._about(name)}
            case ("keys", "rotate"):
                versions = self.keys[name].versions
                versions[max(versions) + 1] = _fresh()
                return {"data": self._about(name)}
            case ("keys", "config"):
                return self._configure(self.keys[name], body)
            case ("keys", "trim"):
                return self._trim(self.keys[name], _number(body, "min_available_version"))
            case ("encrypt", ""):
                return self._encrypt(self.keys[name], body)
            case ("decrypt", ""):
                return self._decrypt(self.keys[name], body)
            case _:
                raise VaultRefusal(404)

    def _about(self, name: str) -> Document:
        key = self.keys[name]
        return {
            "type": "aes256-gcm96",
            "exportable": False,
            "keys": {str(version): 1_700_000_000 for version in key.versions},
            "latest_version": max(key.versions),
            "min_available_version": key.least_available,
            "min_decryption_version": key.least_decryption,
            "min_encryption_version": key.least_encryption,
            "name": name,
        }

    def _configure(self, key: TransitKey, body: Document) -> Document:
        newest = max(key.versions)
        if max(_number(body, "min_decryption_version"), _number(body, "min_encryption_version")) > newest:
            raise VaultRefusal(400, f"cannot set a minimum version of more than {newest}")
        key.least_decryption = _number(body, "min_decryption_version") or key.least_decryption
        key.least_encryption = _number(body, "min_encryption_version") or key.least_encryption
        return {}

    def _trim(self, key: TransitKey, least: int) -> Document:
        if key.least_encryption == 0 or least > min(key.least_decryption, key.least_encryption):
            raise VaultRefusal(400, "minimum available version cannot be higher than the other minima")
        key.least_available = least
        key.versions = {version: cipher for version, cipher in key.versions.items() if version >= least}
        return {}

    def _encrypt(self, key: TransitKey, body: Document) -> Document:
        version = _number(body, "key_version") or max(key.versions)
        if version < max(1, key.least_encryption) or version not in key.versions:
            raise VaultRefusal(400, "requested version for encryption is less than the minimum")
        nonce = secrets.token_bytes(NONCE_LENGTH)
        sealed = nonce + key.versions[version].encrypt(nonce, _bytes(body, "plaintext"), _bound_to(body))
        text = base64.b64encode(sealed).decode()
        return {"data": {"ciphertext": f"vault:v{version}:{text}", "key_version": version}}

    def _decrypt(self, key: TransitKey, body: Document) -> Document:
        try:
            scheme, named, text = str(body["ciphertext"]).split(":")
            version, sealed = int(named.removeprefix("v")), base64.b64decode(text, validate=True)
        except (KeyError, ValueError):
            raise VaultRefusal(400, "invalid ciphertext: no prefix") from None
        if scheme != "vault" or version not in key.versions or version < key.least_decryption:
            raise VaultRefusal(400, "ciphertext or signature version is disallowed by policy (too old)")
        try:
            plain = key.versions[version].decrypt(
                sealed[:NONCE_LENGTH], sealed[NONCE_LENGTH:], _bound_to(body)
            )
        except (InvalidTag, ValueError):
            raise VaultRefusal(400, "invalid ciphertext: unable to decrypt") from None
        return {"data": {"plaintext": base64.b64encode(plain).decode()}}


def _handler(vault: VaultDouble) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._serve({})

        def do_POST(self) -> None:
            length = min(int(self.headers.get("Content-Length", 0)), MAX_BODY)
            document = json.loads(self.rfile.read(length) or b"{}")
            self._serve(document if isinstance(document, dict) else {})

        def _serve(self, body: Document) -> None:
            if vault.delay_s:
                time.sleep(vault.delay_s)
            token = self.headers.get("X-Vault-Token", "")
            try:
                status, answer = 200, vault.answer(self.command, self.path.removeprefix("/v1/"), token, body)
            except VaultRefusal as refusal:
                status, answer = refusal.status, {"errors": list(refusal.errors)}
            content = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name that is overridden
            """A test's output is the test's."""

    return Handler


def _fresh() -> AESGCM:
    return AESGCM(AESGCM.generate_key(256))


def _bytes(body: Document, name: str) -> bytes:
    try:
        return base64.b64decode(str(body.get(name, "")), validate=True)
    except ValueError:
        raise VaultRefusal(400, f"failed to base64-decode {name}") from None


def _bound_to(body: Document) -> bytes | None:
    return _bytes(body, "associated_data") or None


def _number(body: Document, name: str) -> int:
    value = body.get(name, 0)
    return value if isinstance(value, int) else 0
