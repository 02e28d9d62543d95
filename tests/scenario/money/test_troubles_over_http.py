"""The seeds of trouble as a merchant's program meets them at the API: result, code, advice, what is kept, and what has moved."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.scenario.money.shop import Json, Shop, play

from tonevault.cde.gateways.simulator.outcomes import TIMEOUT_APPROVED, TIMEOUT_DECLINED, TIMEOUT_LOST
from tonevault.desk.payments.advice import ADVICE, SILENCE

PLAIN, OTHER = "4242424242424242", "5555555555554444"
WRONG_POSTAL_CODE = "4000000000000036"
WITH_POSTAL_CODE: Json = {"fields": ["card_number", "expiry", "security_code", "postal_code"]}


@dataclass(frozen=True)
class Trouble:
    name: str
    card: str
    state: str
    code: str
    decline: str | None


ANSWERED = (
    Trouble("soft decline", "4000000000009995", "declined", "insufficient_funds", "soft"),
    Trouble("hard decline", "4000000000009987", "declined", "lost_card", "hard"),
    Trouble("acquirer rejection", "4100000000000019", "declined", "acquirer_rejected", "soft"),
    Trouble("wrong security code", "4000000000000127", "declined", "incorrect_security_code", "soft"),
    Trouble("issuer's word that it expired", "4000000000000069", "declined", "expired_card", "hard"),
    Trouble("refused request", "4000000000000119", "failed", "processing_error", None),
)


def test_a_refusal_keeps_the_token_and_moves_nothing(tmp_path: Path) -> None:
    async def story(shop: Shop) -> None:
        for trouble in ANSWERED:
            done = await shop.take(trouble.card)
            charge = done["charge"]
            assert (done["state"], charge["state"]) == (trouble.state, trouble.state), trouble
            assert (charge["code"], charge["decline"]) == (trouble.code, trouble.decline), trouble
            assert charge["advice"] == ADVICE[trouble.code], trouble
            token = await shop.get(f"/v1/tokens/{done['token']['id']}")
            assert token["state"] == "active", trouble
        assert await shop.moved() == []

    play(tmp_path, story)


@pytest.mark.parametrize(
    ("card", "state", "code", "moved"),
    [
        ("4000000000009003", "succeeded", None, [1250]),
        ("4000000000009011", "declined", "do_not_honour", []),
        ("4000000000009029", "failed", "never_arrived", []),
    ],
)
def test_a_time_out_is_unknown_never_sent_again_and_settled(
    tmp_path: Path, card: str, state: str, code: str | None, moved: list[int]
) -> None:
    async def story(shop: Shop) -> None:
        done = await shop.take(card)
        assert (done["state"], done["charge"]["state"]) == ("unknown", "unknown")
        assert done["charge"]["advice"] == SILENCE
        again = await shop.post(f"/v1/sessions/{done['id']}/complete")
        assert again["charge"]["id"] == done["charge"]["id"]
        charge = await shop.settled(lambda: shop.get(f"/v1/charges/{done['charge']['id']}"))
        told = (state, code, ADVICE[code] if code else None)
        assert (charge["state"], charge["code"], charge["advice"]) == told
        assert await shop.moved() == moved

    play(tmp_path, story)


@pytest.mark.parametrize(
    ("outcome", "state", "moved"),
    [
        (TIMEOUT_APPROVED, "succeeded", [1250]),
        (TIMEOUT_DECLINED, "declined", []),
        (TIMEOUT_LOST, "failed", []),
    ],
    ids=["made", "declined", "lost"],
)
def test_a_time_out_while_a_hold_is_captured(
    tmp_path: Path, outcome: Any, state: str, moved: list[int]
) -> None:
    """A second capture is refused while nobody knows of the first."""

    async def story(shop: Shop) -> None:
        held = (await shop.take(PLAIN, capture="manual"))["charge"]
        assert held["state"] == "authorised"
        shop.stage.till.simulator.play_next(outcome)
        silent = await shop.post(f"/v1/charges/{held['id']}/capture")
        assert silent["state"] == "unknown"
        refused = await shop.post(f"/v1/charges/{held['id']}/capture", status=409)
        assert refused["code"] == "not_capturable"

        async def capture() -> Json:
            (one,) = (await shop.get(f"/v1/charges/{held['id']}/operations"))["data"]
            return dict(one)

        known = await shop.settled(capture)
        assert (known["state"], bool(known["code"])) == (state, not moved)
        assert await shop.moved() == moved

    play(tmp_path, story)


def test_a_mismatch_names_the_part_keeps_no_token_and_is_corrected(tmp_path: Path) -> None:
    async def story(shop: Shop) -> None:
        session = await shop.keyed(WRONG_POSTAL_CODE, **WITH_POSTAL_CODE)
        done = await shop.complete(session)
        charge = done["charge"]
        assert (charge["state"], charge["code"], charge["token"]) == (
            "declined",
            "postal_code_mismatch",
            None,
        )
        assert (charge["postal_code_check"], charge["address_check"]) == ("failed", "not_given")
        assert charge["advice"] == ADVICE["postal_code_mismatch"]
        assert done["token"] is None
        assert {one["state"] for one in (await shop.get("/v1/tokens"))["data"]} <= {"revoked"}
        body = {"postal_code": "10001", "without_security_code": True}
        better = await shop.post(f"/v1/sessions/{session}/retry", body)
        assert (better["state"], better["charge"]["state"]) == ("succeeded", "succeeded")
        assert better["token"]["state"] == "active"
        assert await shop.moved() == [1250]

    play(tmp_path, story)


def test_a_card_that_is_known_has_its_token_again(tmp_path: Path) -> None:
    async def story(shop: Shop) -> None:
        first, second = await shop.take(PLAIN), await shop.take(PLAIN)
        assert (first["existing"], second["existing"]) == (False, True)
        assert first["token"]["id"] == second["token"]["id"]
        assert len((await shop.get("/v1/tokens"))["data"]) == 1
        assert await shop.moved() == [1250, 1250]

    play(tmp_path, story)


async def _charged(shop: Shop, token: str) -> Json:
    return await shop.post("/v1/charges", {"token": token, "amount": 5, "currency": "GBP"}, status=409)


def test_a_token_that_was_replaced_leads_to_its_successor(tmp_path: Path) -> None:
    async def story(shop: Shop) -> None:
        old = (await shop.take(PLAIN))["token"]["id"]
        new = (await shop.take(OTHER, replaces=old))["token"]["id"]
        refused = await _charged(shop, old)
        assert (refused["code"], refused["token_state"]) == ("token_not_chargeable", "replaced")
        assert refused["replaced_by"] == new
        assert "successor" in refused["detail"]
        assert refused["errors"][0]["field"] == "token"
        assert await shop.moved() == [1250, 1250]

    play(tmp_path, story)


@pytest.mark.parametrize(("years", "state"), [(0, "revoked"), (4, "expired")])
def test_a_token_that_has_ended_asks_for_another_capture(tmp_path: Path, years: int, state: str) -> None:
    async def story(shop: Shop) -> None:
        token = (await shop.take(PLAIN))["token"]["id"]
        if years:
            shop.stage.clock.advance(years * 366 * 86_400.0)
        else:
            await shop.post(f"/v1/tokens/{token}/revoke")
        refused = await _charged(shop, token)
        assert (refused["code"], refused["token_state"]) == ("token_not_chargeable", state)
        assert "Capture the card again" in refused["detail"]
        assert await shop.moved() == [1250]

    play(tmp_path, story)
