"""The doctor says where webhooks arrive, and names each reason for which they will not."""

import socket
from pathlib import Path

import pytest
from tests.e2e.peers.certificate import make_certificate

from tonevault.app.findings import Finding, Level
from tonevault.app.settings import TonevaultSettings
from tonevault.app.webhook_doctor import webhook_findings

STRIPE: dict[str, object] = {"id": "bolt", "name": "Bolt", "gateway": "stripe"}
KEY = {"secret_key": "env:KEY"}
SIGNED = STRIPE | {"stripe": {**KEY, "webhook_secrets": ["env:HOOK"]}}
UNSIGNED = STRIPE | {"stripe": KEY}
PLAIN: dict[str, object] = {"id": "acme", "name": "Acme"}


def findings(*accounts: dict[str, object], running: bool = False, **webhooks: object) -> list[Finding]:
    whole = {"accounts": accounts, "secure": {"webhooks": webhooks}}
    return list(webhook_findings(TonevaultSettings.model_validate(whole), running=running))


def test_an_address_that_is_free_is_named_with_its_path() -> None:
    free, arrives = findings(SIGNED, PLAIN, listen="127.0.0.1:0")
    assert (free.level, free.subject) == (Level.OK, "secure.webhooks.listen")
    assert (arrives.level, arrives.subject) == (Level.OK, "webhooks of bolt")
    assert "/gateways/stripe/bolt/webhook" in arrives.detail


@pytest.mark.parametrize("running", [False, True])
def test_a_port_that_another_holds(running: bool) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        found = findings(PLAIN, listen=f"127.0.0.1:{port}", running=running)
    assert [(each.level, each.subject) for each in found] == (
        [] if running else [(Level.FAULT, "secure.webhooks.listen")]
    )
    assert all("choose another port" in each.way_out for each in found)


def test_no_secret_means_no_webhook() -> None:
    _, empty = findings(UNSIGNED, listen="127.0.0.1:0")
    assert (empty.level, empty.subject) == (Level.WARNING, "accounts[0].stripe.webhook_secrets")
    assert "dashboard" in empty.way_out


def test_secrets_without_an_address() -> None:
    (unheard,) = findings(SIGNED)
    assert (unheard.level, unheard.subject) == (Level.WARNING, "secure.webhooks.listen")
    assert "bolt" in unheard.detail
    assert "listen = " in unheard.way_out
    assert findings(PLAIN, UNSIGNED) == []


def test_a_certificate_that_is_no_pair(tmp_path: Path) -> None:
    own, other = make_certificate(tmp_path, "own"), make_certificate(tmp_path, "other")
    found = findings(
        SIGNED,
        listen="127.0.0.1:0",
        certificate=str(own.certificate_path),
        private_key=str(other.key_path),
    )
    fault = next(each for each in found if each.level is Level.FAULT)
    assert (fault.subject, "belong together" in fault.detail) == ("secure.webhooks", True)


def test_braintree_signs_with_the_keys_that_it_has() -> None:
    table = {
        "merchant_id": "m",
        "public_key": "env:A",
        "private_key": "env:B",
        "merchant_accounts": {"GBP": "m-gbp"},
    }
    volt: dict[str, object] = {"id": "volt", "name": "Volt", "gateway": "braintree", "braintree": table}
    _, arrives = findings(volt, listen="127.0.0.1:0")
    assert (arrives.level, arrives.subject) == (Level.OK, "webhooks of volt")
