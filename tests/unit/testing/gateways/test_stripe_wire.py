"""What the double of Stripe is strict about: keys, removed parameters, repeated keys; and that it keeps no card."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from tests.till import SimulatedClock

from tonevault.testing.gateways import GatewayDouble
from tonevault.testing.gateways.stripe import StripeWire

CARD = {
    "type": "card",
    "card[number]": "4242424242424242",
    "card[exp_month]": "12",
    "card[exp_year]": "2030",
    "card[cvc]": "123",
}
OPENING = {"amount": "1250", "currency": "gbp", "metadata[tonevault_reference]": "one"}
KEY = {"Authorization": "Bearer sk_test_wire"}


@pytest.fixture
def clock() -> SimulatedClock:
    return SimulatedClock()


@pytest.fixture
def client(tmp_path: Path, clock: SimulatedClock) -> Iterator[httpx.Client]:
    with (
        GatewayDouble(StripeWire(), tmp_path / "double.db", now=lambda: clock.utc().timestamp()) as double,
        httpx.Client(base_url=double.url, headers=KEY, timeout=30) as client,
    ):
        yield client


def said(answer: httpx.Response) -> dict[str, object]:
    error = answer.json()["error"]
    assert isinstance(error, dict)
    return error


def test_a_secret_key_is_needed(client: httpx.Client) -> None:
    for authorization in ("", "Bearer pk_test_x", "Bearer sk_live_x", "Basic sk_test_x"):
        refused = client.get("/v1/events", headers={"Authorization": authorization})
        assert refused.status_code == 401


def test_what_stripe_has_removed_is_refused(client: httpx.Client) -> None:
    refused = client.post("/v1/payment_intents", data={**OPENING, "payment_method_types[0]": "card"})
    assert refused.status_code == 400
    assert said(refused)["code"] == "payment_method_types_no_longer_supported"


def test_a_key_repeats_its_answer_refuses_another_request_and_lapses(
    client: httpx.Client, clock: SimulatedClock
) -> None:
    key = {"Idempotency-Key": "one"}
    first = client.post("/v1/payment_intents", data=OPENING, headers=key)
    again = client.post("/v1/payment_intents", data=OPENING, headers=key)
    assert (again.content, again.headers.get("idempotent-replayed")) == (first.content, "true")
    other = client.post("/v1/payment_intents", data={**OPENING, "amount": "1"}, headers=key)
    assert (other.status_code, said(other)["type"]) == (400, "idempotency_error")
    clock.advance(86_401)
    anew = client.post("/v1/payment_intents", data=OPENING, headers=key)
    assert anew.json()["id"] != first.json()["id"]


def test_an_intent_is_confirmed_once(client: httpx.Client) -> None:
    intent = client.post("/v1/payment_intents", data=OPENING).json()["id"]
    method = client.post("/v1/payment_methods", data=CARD).json()["id"]
    assert (
        client.post(f"/v1/payment_intents/{intent}/confirm", data={"payment_method": "pm_none"}).status_code
        == 404
    )
    confirmed = client.post(f"/v1/payment_intents/{intent}/confirm", data={"payment_method": method})
    assert confirmed.json()["status"] == "succeeded"
    again = client.post(f"/v1/payment_intents/{intent}/confirm", data={"payment_method": method})
    assert said(again)["code"] == "payment_intent_unexpected_state"


def test_lists_have_pages(client: httpx.Client) -> None:
    ids = [client.post("/v1/payment_intents", data=OPENING).json()["id"] for _ in range(3)]
    first = client.get("/v1/payment_intents", params={"limit": "2"}).json()
    assert ([each["id"] for each in first["data"]], first["has_more"]) == (ids[:0:-1], True)
    rest = client.get("/v1/payment_intents", params={"limit": "2", "starting_after": ids[1]}).json()
    assert ([each["id"] for each in rest["data"]], rest["has_more"]) == (ids[:1], False)


def test_it_keeps_no_card(client: httpx.Client, tmp_path: Path) -> None:
    client.post("/v1/payment_methods", data=CARD, headers={"Idempotency-Key": "card"})
    held = b"".join(each.read_bytes() for each in tmp_path.iterdir())
    assert b"424242" not in held
    assert client.post("/v1/payment_methods", data={**CARD, "card[number]": "nonsense"}).status_code == 402


def test_what_it_does_not_know_is_not_found(client: httpx.Client) -> None:
    for path in ("/v1/customers", "/v1/payment_intents/pi_none", "/v1/payment_intents/pi_none/refuse"):
        assert client.get(path).status_code == 404
    assert client.post("/v1/payment_intents/pi_none/capture").status_code == 404
    assert client.post("/v1/payment_intents", content="a=1&a[b]=2").status_code == 400
