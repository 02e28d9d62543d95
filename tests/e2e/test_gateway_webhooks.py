"""Webhooks at the secure process as it is deployed: each account's own gateway verifies them, and duplicates change nothing."""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.e2e.house import TONEVAULT
from tests.e2e.peers.ports import LOOPBACK, claim_block
from tonevault.testing.gateways.braintree import webhook_form
from tonevault.testing.gateways.ledger import Told
from tonevault.testing.gateways.stripe import event_body, signature_header

SECRET = "whsec_deployed"
STARTS_WITHIN_S = 90.0
ENVIRONMENT = {
    "STRIPE_KEY": "sk_test_deployed",
    "STRIPE_HOOK": SECRET,
    "BT_PUBLIC": "public",
    "BT_PRIVATE": "private",
}
FORM = {"content-type": "application/x-www-form-urlencoded"}


def configuration(data_dir: Path, sip: int, hooks: int, media: range) -> str:
    return f"""
data_dir = "{data_dir}"

[[accounts]]
id = "acme"
name = "Acme Ltd"
gateway = "stripe"
stripe = {{ secret_key = "env:STRIPE_KEY", webhook_secrets = ["env:STRIPE_HOOK"] }}

[[accounts]]
id = "bolt"
name = "Bolt GmbH"
gateway = "braintree"

[accounts.braintree]
merchant_id = "bolt"
public_key = "env:BT_PUBLIC"
private_key = "env:BT_PRIVATE"
merchant_accounts = {{ EUR = "bolt-eur" }}

[secure.sip]
listen = ["udp:{LOOPBACK}:{sip}"]

[secure.media]
first_port = {media.start}
last_port = {media.stop - 1}
max_calls = 2

[secure.webhooks]
listen = "{LOOPBACK}:{hooks}"

[[secure.routes]]
name = "support"
account = "acme"
peers = ["{LOOPBACK}/32"]
to = "sip:support@{LOOPBACK}:9"
"""


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where the secure process hears webhooks."""
    block = claim_block()
    # Not below pytest's folder: the path of the socket between the zones may have 107 bytes, no more.
    data_dir = Path(tempfile.mkdtemp(prefix="tv-"))
    config = tmp_path_factory.mktemp("secure") / "tonevault.toml"
    ports = block.rtp_ports
    config.write_text(configuration(data_dir, block.port(0), block.port(2), range(ports[0], ports[-1] + 1)))
    log = config.with_suffix(".log").open("wb")
    process = subprocess.Popen(
        [TONEVAULT, "--config", str(config), "secure"],
        env={**os.environ, **ENVIRONMENT},
        stdout=log,
        stderr=log,
    )
    url = f"http://{LOOPBACK}:{block.port(2)}"
    try:
        until = time.monotonic() + STARTS_WITHIN_S
        while True:
            assert process.poll() is None, config.with_suffix(".log").read_text()
            assert time.monotonic() < until, config.with_suffix(".log").read_text()
            try:
                httpx.get(url)
                break
            except httpx.ConnectError:
                time.sleep(0.05)
        yield url
    finally:
        process.terminate()
        process.wait(60)
        log.close()
        block.release()
        shutil.rmtree(data_dir, ignore_errors=True)


def stripe_event(event_id: str, at: float) -> tuple[dict[str, str], bytes]:
    document = {"id": "pi_one", "object": "payment_intent", "metadata": {"tonevault_reference": "att_nobody"}}
    body = event_body(Told("acme", event_id, "payment_intent.succeeded", at, document))
    return {"stripe-signature": signature_header(body, SECRET, at)}, body


def test_a_webhook_is_heard_once_however_often_it_comes(address: str) -> None:
    headers, body = stripe_event("evt_once", time.time())
    said = [
        httpx.post(f"{address}/gateways/stripe/acme/webhook", headers=headers, content=body) for _ in range(2)
    ]
    assert [(each.status_code, each.json()["fresh"]) for each in said] == [(200, 1), (200, 0)]
    told = Told("bolt", "x", "transaction_settled", time.time(), {"id": "x", "order_id": "y", "amount": "1"})
    form = webhook_form(told, "public", "private")
    heard = httpx.post(f"{address}/gateways/braintree/bolt/webhook", headers=FORM, content=form)
    assert (heard.status_code, heard.json()["fresh"]) == (200, 1)


@pytest.mark.parametrize(
    ("path", "age_s", "spoil", "status"),
    [
        ("/gateways/stripe/acme/webhook", 400, b"", 400),
        ("/gateways/stripe/acme/webhook", 0, b" ", 400),
        ("/gateways/stripe/bolt/webhook", 0, b"", 404),
        ("/gateways/braintree/bolt/webhook", 0, b"", 400),
        ("/gateways/simulator/acme/webhook", 0, b"", 404),
        ("/gateways/stripe/nobody/webhook", 0, b"", 404),
    ],
)
def test_replays_forgeries_and_strangers_get_a_problem_with_its_rule(
    address: str, path: str, age_s: float, spoil: bytes, status: int
) -> None:
    headers, body = stripe_event("evt_refused", time.time() - age_s)
    refused = httpx.post(f"{address}{path}", headers=headers, content=body + spoil)
    assert refused.status_code == status
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.json()["detail"]
    assert "evt_refused" not in refused.text
