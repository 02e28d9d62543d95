"""Vault's key/value store over its HTTP API, spoken by a small server on this machine."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tonevault.plumbing.secret_sources.hashicorp_vault import read_vault_secret
from tonevault.plumbing.secret_sources.reference import SecretReference, SecretUnavailableError

SECRET = "swordfish"
TOKEN = "hvs.of-the-test"
PATH = "/v1/secret/data/pay/stripe"


class Store(ThreadingHTTPServer):
    """`statuses` are answered first, one a request; then the store does what the token and the path ask for."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.statuses: list[int] = []
        self.asked: list[tuple[str, str | None]] = []
        self.document: object = {"data": {"data": {"key": SECRET, "number": 7}}}

    @property
    def environ(self) -> dict[str, str]:
        return {"VAULT_ADDR": f"http://127.0.0.1:{self.server_port}/", "VAULT_TOKEN": TOKEN}


class Handler(BaseHTTPRequestHandler):
    server: Store

    def do_GET(self) -> None:
        self.server.asked.append((self.path, self.headers.get("X-Vault-Namespace")))
        status = 200
        if self.server.statuses:
            status = self.server.statuses.pop(0)
        elif self.headers.get("X-Vault-Token") != TOKEN:
            status = 403
        elif self.path != PATH:
            status = 404
        body = json.dumps(self.server.document if status == 200 else {"errors": [SECRET]}).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name that http.server has
        """Say nothing."""


@contextmanager
def serving() -> Iterator[Store]:
    store = Store()
    thread = threading.Thread(target=store.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield store
    finally:
        store.shutdown()
        thread.join()
        store.server_close()


@pytest.fixture
def store() -> Iterator[Store]:
    with serving() as made:
        yield made


def read(environ: dict[str, str], text: str = "vault:secret/pay/stripe#key") -> str:
    return read_vault_secret(SecretReference.parse(text), environ)


def refusal(environ: dict[str, str], text: str = "vault:secret/pay/stripe#key") -> str:
    with pytest.raises(SecretUnavailableError) as caught:
        read(environ, text)
    assert SECRET not in str(caught.value)
    assert TOKEN not in str(caught.value)
    return str(caught.value)


def test_the_entry_of_the_newest_version(store: Store) -> None:
    assert read(store.environ) == SECRET
    assert store.asked == [(PATH, None)]


def test_a_namespace_and_a_token_in_a_file(store: Store, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text(TOKEN + "\n")
    environ = {**store.environ, "VAULT_TOKEN": "", "VAULT_TOKEN_FILE": str(token), "VAULT_NAMESPACE": "pay"}
    assert read(environ) == SECRET
    assert store.asked == [(PATH, "pay")]


def test_a_change_of_leader_is_waited_for(store: Store) -> None:
    store.statuses = [500, 503]
    assert read(store.environ) == SECRET
    assert len(store.asked) == 3


@pytest.mark.parametrize(
    ("statuses", "words"), [([403], "`read`"), ([404], "nothing at this path"), ([503] * 3, "unseal"), ([418], "418")]
)  # fmt: skip
def test_refusals(store: Store, statuses: list[int], words: str) -> None:
    store.statuses = list(statuses)
    assert words in refusal(store.environ)
    assert len(store.asked) == len(statuses)


@pytest.mark.parametrize("document", [{"data": None}, {"data": {"data": None}}, [], "text"])
def test_documents_without_the_entry(store: Store, document: object) -> None:
    store.document = document
    assert "under this key" in refusal(store.environ)


def test_an_entry_that_is_no_text(store: Store) -> None:
    assert "under this key" in refusal(store.environ, "vault:secret/pay/stripe#number")
    assert "under this key" in refusal(store.environ, "vault:secret/pay/stripe#absent")


def test_settings_that_are_missing_or_wrong(store: Store, tmp_path: Path) -> None:
    assert "set VAULT_ADDR" in refusal({"VAULT_TOKEN": TOKEN})
    assert "set VAULT_TOKEN" in refusal({"VAULT_ADDR": "http://127.0.0.1:1"})
    assert "VAULT_TOKEN_FILE" in refusal(
        {**store.environ, "VAULT_TOKEN": "", "VAULT_TOKEN_FILE": str(tmp_path)}
    )
    assert "VAULT_CACERT" in refusal({**store.environ, "VAULT_CACERT": str(tmp_path / "absent.pem")})


def test_nobody_there() -> None:
    with serving() as store:
        environ = store.environ
    assert "cannot be reached" in refusal(environ)
