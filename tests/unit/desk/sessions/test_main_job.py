"""The main job over the API: a card keyed on a call becomes a token and a charge."""

import asyncio
from pathlib import Path

import pytest
from tests.unit.desk.bench import ACME, KEYED, open_desk

from tonevault.boundary.calls import SecuredLegs
from tonevault.boundary.charges import ChargeState


def test_a_card_becomes_a_token_and_a_charge(tmp_path: Path) -> None:
    async def play() -> None:
        async with open_desk(tmp_path) as desk, desk.client() as client:
            ann = (await client.post("/v1/customers", json={"name": "Ann", "phone": "01632 960001"})).json()
            call = await desk.live_call()
            shown = (await client.get(f"/v1/calls/{call.call_id}")).json()
            assert shown["customer"]["id"] == ann["id"]

            session_id = await desk.open_session(client, call, amount=1250, currency="GBP", reference="INV-7")
            session = (await client.get(f"/v1/sessions/{session_id}")).json()
            assert (session["state"], session["customer_id"]) == ("open", ann["id"])
            assert [each["name"] for each in session["fields"]] == ["card_number", "expiry", "security_code"]

            await desk.key_card(client, call, session_id)
            session = (await client.get(f"/v1/sessions/{session_id}")).json()
            assert [each["masked"] for each in session["fields"]] == ["**** **** **** 4242", "**/**", "***"]
            assert session["can_complete"] is True

            done = (await client.post(f"/v1/sessions/{session_id}/complete")).json()
            assert (done["state"], done["existing"]) == ("succeeded", False)
            assert done["token"]["card"]["last4"] == "4242"
            assert done["token"]["customer_id"] == ann["id"]
            assert (done["charge"]["state"], done["charge"]["amount"]) == ("succeeded", 1250)
            assert done["charge"]["token"] == done["token"]["id"]
            assert (await client.get(f"/v1/calls/{call.call_id}")).json()["session_id"] == session_id
            again = await client.post(f"/v1/sessions/{session_id}/complete")
            assert again.json()["charge"]["id"] == done["charge"]["id"]
            assert len(desk.zone.ledger.charges) == 1

    asyncio.run(play())


def test_every_key_is_a_dot(tmp_path: Path) -> None:
    async def play() -> None:
        async with open_desk(tmp_path) as desk, desk.client() as client:
            call = await desk.live_call()
            session_id = await desk.open_session(client, call)
            await client.post(f"/v1/sessions/{session_id}/fields/card_number/capture")
            for dots in range(1, 8):
                desk.zone.press(call.call_id, "4")
                await desk.caught_up()
                field = (await client.get(f"/v1/sessions/{session_id}")).json()["fields"][0]
                assert (field["state"], field["dots"], field["masked"]) == ("capturing", dots, "")

    asyncio.run(play())


@pytest.mark.parametrize(
    ("field", "keys", "error"),
    [
        ("card_number", "4242424242424241#", "invalid_card_number"),
        ("expiry", "1320#", "invalid_expiry"),
        ("security_code", "12#", "invalid_security_code"),
    ],
)
def test_a_wrong_field_is_red_and_taken_again(tmp_path: Path, field: str, keys: str, error: str) -> None:
    async def play() -> None:
        async with open_desk(tmp_path) as desk, desk.client() as client:
            call = await desk.live_call()
            session_id = await desk.open_session(client, call)
            where = f"/v1/sessions/{session_id}"
            index = [name for name, _ in KEYED].index(field)  # type: ignore[arg-type]

            async def shown() -> tuple[str, str | None, int]:
                each = (await client.get(where)).json()["fields"][index]
                return each["state"], each["error"], each["attempts"]

            await client.post(f"{where}/fields/{field}/capture")
            desk.zone.press(call.call_id, keys)
            await desk.caught_up()
            assert await shown() == ("failed", error, 1)
            refused = await client.post(f"{where}/complete")
            assert (refused.status_code, refused.json()["code"]) == (409, "fields_missing")
            await client.post(f"{where}/fields/{field}/capture")
            desk.zone.press(call.call_id, dict(KEYED)[KEYED[index][0]])
            await desk.caught_up()
            assert await shown() == ("captured", None, 1)

    asyncio.run(play())


def test_too_many_attempts_end_the_session(tmp_path: Path) -> None:
    async def play() -> None:
        async with open_desk(tmp_path) as desk, desk.client() as client:
            call = await desk.live_call()
            session_id = await desk.open_session(client, call, max_attempts=2)
            for _ in range(2):
                await client.post(f"/v1/sessions/{session_id}/fields/card_number/capture")
                desk.zone.press(call.call_id, "1111#")
            await desk.caught_up()
            session = (await client.get(f"/v1/sessions/{session_id}")).json()
            assert (session["state"], session["reason"]) == ("failed", "too_many_attempts")
            over = await client.post(f"/v1/sessions/{session_id}/fields/card_number/capture")
            assert (over.status_code, over.json()["code"]) == (409, "session_over")
            assert await desk.open_session(client, call, max_attempts=2, reference="again") != session_id

    asyncio.run(play())


def test_a_decline_leaves_a_token_and_a_declined_charge(tmp_path: Path) -> None:
    async def play() -> None:
        async with open_desk(tmp_path) as desk, desk.client() as client:
            desk.zone.ledger.next_charge = (ChargeState.DECLINED, "insufficient_funds")
            done = await desk.take_card(client, amount=900, currency="GBP")
            assert (done["state"], done["reason"]) == ("declined", "authorisation_declined")
            charge, token = done["charge"], done["token"]
            assert isinstance(charge, dict)
            assert isinstance(token, dict)
            assert (charge["state"], charge["code"]) == ("declined", "insufficient_funds")
            assert token["state"] == "active"

    asyncio.run(play())


def test_a_card_that_could_not_be_vaulted_leaves_nothing(tmp_path: Path) -> None:
    async def play() -> None:
        async with open_desk(tmp_path) as desk, desk.client() as client:
            desk.zone.tokenization_fails = True
            done = await desk.take_card(client, amount=900, currency="GBP")
            assert (done["state"], done["reason"]) == ("failed", "tokenization_failed")
            charge = done["charge"]
            assert isinstance(charge, dict)
            assert (done["token"], charge["state"], charge["code"]) == (
                None,
                "canceled",
                "tokenization_failed",
            )

    asyncio.run(play())


def test_a_second_card_on_the_same_call(tmp_path: Path) -> None:
    async def play() -> None:
        async with open_desk(tmp_path) as desk, desk.client() as client:
            call = await desk.live_call()
            first = await desk.open_session(client, call)
            busy = await client.post(
                "/v1/sessions", json={"call_id": call.call_id}, headers={"Idempotency-Key": "second"}
            )
            assert (busy.status_code, busy.json()["code"]) == (409, "session_in_progress")
            canceled = (await client.post(f"/v1/sessions/{first}/cancel")).json()
            assert (canceled["state"], canceled["reason"]) == ("canceled", "canceled_by_agent")
            again = await client.post(f"/v1/sessions/{first}/cancel")
            assert (again.status_code, again.json()["state"]) == (200, "canceled")
            second = await desk.open_session(client, call, reference="second")
            await desk.key_card(client, call, second)
            assert (await client.post(f"/v1/sessions/{second}/complete")).json()["state"] == "succeeded"
            listed = (await client.get("/v1/sessions", params={"call_id": call.call_id})).json()["data"]
            assert [each["id"] for each in listed] == [second, first]

    asyncio.run(play())


def test_the_same_card_again_is_the_same_token(tmp_path: Path) -> None:
    async def play() -> None:
        async with open_desk(tmp_path) as desk, desk.client() as client:
            first, second = await desk.take_card(client), await desk.take_card(client)
            assert first["token"] == second["token"]
            assert (first["existing"], second["existing"], second["charge"]) == (False, True, None)

    asyncio.run(play())


def test_hanging_up_ends_session_and_call(tmp_path: Path) -> None:
    async def play() -> None:
        async with open_desk(tmp_path) as desk, desk.client() as client:
            call = await desk.live_call()
            session_id = await desk.open_session(client, call)
            desk.zone.hang_up(call.call_id)
            await desk.caught_up()
            session = (await client.get(f"/v1/sessions/{session_id}")).json()
            assert (session["state"], session["reason"]) == ("canceled", "call_ended")
            ended = (await client.get(f"/v1/calls/{call.call_id}")).json()
            assert (ended["state"], ended["end_reason"]) == ("ended", "customer_hung_up")
            late = await client.post(
                "/v1/sessions", json={"call_id": call.call_id}, headers={"Idempotency-Key": "late"}
            )
            assert (late.status_code, late.json()["code"]) == (409, "call_not_live")
            for live, expected in (("true", 0), ("false", 1)):
                listed = (await client.get("/v1/calls", params={"live": live})).json()["data"]
                assert len([each for each in listed if each["id"] == call.call_id]) == expected

    asyncio.run(play())


def test_secured_legs_are_shown(tmp_path: Path) -> None:
    async def play() -> None:
        async with open_desk(tmp_path) as desk, desk.client() as client:
            call = await desk.live_call()
            shown = (await client.get(f"/v1/calls/{call.call_id}")).json()
            assert shown["secured"] == {"customer": False, "agent": False}
            desk.zone.secure(call.call_id, SecuredLegs(agent=True))
            await desk.caught_up()
            shown = (await client.get(f"/v1/calls/{call.call_id}")).json()
            assert shown["secured"] == {"customer": False, "agent": True}

    asyncio.run(play())


def test_hush(tmp_path: Path) -> None:
    async def play() -> None:
        async with open_desk(tmp_path) as desk, desk.client() as client:
            call = await desk.live_call()
            hushed = await client.post(f"/v1/calls/{call.call_id}/hush", json={"on": True})
            assert (hushed.status_code, hushed.json()["hushed"]) == (200, True)
            assert (await client.get(f"/v1/calls/{call.call_id}")).json()["hushed"] is True

    asyncio.run(play())


@pytest.mark.parametrize(
    ("body", "field", "rule"),
    [
        ({"amount": 100}, "currency", "required"),
        ({"currency": "GBP"}, "amount", "required"),
        ({"amount": 100, "currency": "ZZZ"}, "currency", "iso_4217"),
        ({"amount": 1.5, "currency": "GBP"}, "amount", "type"),
        ({"amount": 0, "currency": "GBP"}, "amount", "minimum"),
        ({"fields": ["expiry"]}, "fields", "required"),
        ({"fields": ["card_number", "expiry", "expiry"]}, "fields", "unique"),
        ({"fields": ["card_number", "pin"]}, "fields.1", "enum"),
        ({"max_attempts": 11}, "max_attempts", "maximum"),
        ({"reference": "x" * 201}, "reference", "max_length"),
        ({"customer_id": "cus_" + "a" * 28}, "customer_id", "unknown"),
        ({"expires_in_s": 5}, "expires_in_s", "minimum"),
    ],
)
def test_what_is_wrong_with_a_session_is_named(
    tmp_path: Path, body: dict[str, object], field: str, rule: str
) -> None:
    async def play() -> None:
        async with open_desk(tmp_path) as desk, desk.client() as client:
            call = await desk.live_call()
            answer = await client.post(
                "/v1/sessions", json={"call_id": call.call_id, **body}, headers={"Idempotency-Key": "k"}
            )
            assert answer.status_code == 422
            assert [(each["field"], each["rule"]) for each in answer.json()["errors"]] == [(field, rule)]

    asyncio.run(play())


def test_a_call_of_an_account_that_the_desk_does_not_know_is_left_alone(tmp_path: Path) -> None:
    async def play() -> None:
        async with open_desk(tmp_path) as desk:
            stray = desk.zone.live_call(account_id="nobody")
            await desk.caught_up()
            known = {record.id for _, record in await desk.services.calls.live_everywhere()}
            assert stray.call_id not in known
            assert ACME in {account for account, _ in await desk.services.calls.live_everywhere()}

    asyncio.run(play())
