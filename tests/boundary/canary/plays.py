"""What customers do with a keypad, each play on a call of its own: every carrier of keys, every way a capture goes and ends."""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Final

from tests.boundary.canary.cards import AMEX, MASTERCARD, STRAY, VISA
from tests.boundary.canary.misuse import misuse_the_api
from tests.boundary.canary.stage import EXPIRY, CanaryStage, LineKind
from tonevault.testing.softphone import KeyCarrier

DECLINED: Final = 100_001
SILENT_THEN_APPROVED: Final = 100_012
"""Amounts that the simulated gateway knows (docs/test-cards.md)."""
POSTAL_CODE: Final = "10001"


async def wrong_number_then_a_second_card(stage: CanaryStage) -> None:
    """By events: a wrong number, re-capture, charge; on the same call a second card, begun anew with `*`, revoked in the end."""
    async with stage.call("events") as call:
        session = await call.open_session(1250)
        await call.key_field(session, "card_number", VISA.mistyped, KeyCarrier.EVENT, "failed")
        await call.key_card(session, VISA, KeyCarrier.EVENT)
        done = await session.complete()
        assert done["state"] == "succeeded"
        second = await call.open_session()
        await second.capture("card_number")
        await call.press(f"{AMEX.number[:9]}*{AMEX.number}#", KeyCarrier.EVENT)
        await second.wait_field("card_number")
        await call.key_field(second, "expiry", EXPIRY, KeyCarrier.EVENT)
        await call.key_field(second, "security_code", AMEX.code, KeyCarrier.EVENT)
        token = (await second.complete())["token"]["id"]
    revoked = await call.desk.post(f"/v1/tokens/{token}/revoke")
    assert revoked["state"] == "revoked"


async def tones_without_a_charge(stage: CanaryStage) -> None:
    """By audible tones; the agent takes the fields in another order, and the number once more when it is green."""
    async with stage.call("tones") as call:
        session = await call.open_session()
        await call.key_field(session, "security_code", MASTERCARD.code, KeyCarrier.TONE)
        await call.key_field(session, "card_number", MASTERCARD.number, KeyCarrier.TONE)
        await call.key_field(session, "expiry", EXPIRY, KeyCarrier.TONE)
        await call.key_field(session, "card_number", MASTERCARD.number, KeyCarrier.TONE)
        assert (await session.complete())["state"] == "succeeded"


async def info_and_a_decline(stage: CanaryStage) -> None:
    """By SIP INFO over TCP; the issuer declines."""
    async with stage.call("info", transport="tcp") as call:
        session = await call.open_session(DECLINED)
        await call.key_card(session, VISA, KeyCarrier.INFO)
        assert (await session.complete())["state"] == "declined"


async def silence_then_settled(stage: CanaryStage) -> None:
    """The gateway does not answer; a look-up settles the charge. How the session stands when `complete` answers, and whether it is seen to
    wait at all, depends on who is faster: it is the charge's own events that must hold the silence."""
    async with stage.call("silence") as call:
        session = await call.open_session(SILENT_THEN_APPROVED)
        await call.key_card(session, MASTERCARD, KeyCarrier.EVENT)
        await session.complete()
    settled = await session.wait("succeeded")
    told = await call.desk.events_of(settled["charge"]["id"])
    assert told == ["charge.created", "charge.unknown", "charge.succeeded"], told


async def event_and_tone_for_one_charge(stage: CanaryStage) -> None:
    """Both carriers of each press; a code that the number contradicts. The token is for one charge, and a second one is refused."""
    async with stage.call("both") as call:
        session = await call.open_session(usage="single")
        await call.key_field(session, "security_code", MASTERCARD.code, KeyCarrier.EVENT_AND_TONE)
        await call.key_card(session, AMEX, KeyCarrier.EVENT_AND_TONE)
        token = (await session.complete())["token"]["id"]
    charge = {"token": token, "amount": 500, "currency": "GBP", "description": "Invoice"}
    assert (await call.desk.post("/v1/charges", charge))["state"] == "succeeded"
    refused = await call.desk.ask("POST", "/v1/charges", json=charge)
    assert refused.status_code == 409
    assert refused.json()["code"] == "token_not_chargeable"


async def cancel_then_hang_up(stage: CanaryStage) -> None:
    """The agent cancels in the midst of a number; in the next session the customer hangs up in the midst of the code."""
    async with stage.call("cancel") as call:
        session = await call.open_session(700)
        await session.capture("card_number")
        await call.press(VISA.number[:12], KeyCarrier.TONE)
        await session.cancel()
        await call.press(VISA.number[12:], KeyCarrier.TONE)
        session = await call.open_session(700)
        await call.key_field(session, "card_number", VISA.number, KeyCarrier.EVENT)
        await session.capture("security_code")
        await call.press(VISA.code[:2], KeyCarrier.EVENT)
    assert (await session.wait("canceled"))["reason"] == "call_ended"


async def agent_hangs_up(stage: CanaryStage) -> None:
    """The agent's phone ends the call in mid-capture."""
    async with stage.call("agent") as call:
        session = await call.open_session(700)
        await session.capture("card_number")
        await call.press(MASTERCARD.number[:15], KeyCarrier.EVENT)
        await call.agent.hang_up()
        assert (await session.wait("canceled"))["reason"] == "call_ended"


async def time_out_and_too_many_attempts(stage: CanaryStage) -> None:
    """Input stops in the midst of a number, then the number is wrong."""
    async with stage.call("errors") as call:
        session = await call.open_session(700, max_attempts=2, inter_digit_timeout_s=1.0)
        await session.capture("card_number")
        await call.press(AMEX.number[:11], KeyCarrier.TONE)
        assert (await session.wait_field("card_number", "failed"))["error"] == "input_timeout"
        await session.capture("card_number")
        await call.press(f"{AMEX.mistyped}#", KeyCarrier.TONE)
        assert (await session.wait("failed"))["reason"] == "too_many_attempts"


async def hushed(stage: CanaryStage) -> None:
    """A route that mutes the customer meanwhile; the agent unmutes in mid-capture."""
    async with stage.call("hushed") as call:
        session = await call.open_session(900)
        await call.key_field(session, "card_number", VISA.number, KeyCarrier.TONE)
        await session.capture("expiry")
        await call.press(EXPIRY[:2], KeyCarrier.TONE)
        await call.desk.post(f"/v1/calls/{call.id}/hush", {"on": False})
        await call.press(f"{EXPIRY[2:]}#", KeyCarrier.TONE)
        await session.wait_field("expiry")
        await call.key_field(session, "security_code", VISA.code, KeyCarrier.TONE)
        assert (await session.complete())["state"] == "succeeded"


async def the_contact_centre_calls(stage: CanaryStage) -> None:
    """The agent dials out: it is the called one who keys, and the postal code too."""
    async with stage.call("out") as call:
        fields = ["card_number", "expiry", "security_code", "postal_code"]
        session = await call.open_session(950, fields=fields)
        await call.key_field(session, "postal_code", POSTAL_CODE, KeyCarrier.EVENT)
        await call.key_card(session, VISA, KeyCarrier.TONE)
        assert (await session.complete())["state"] == "succeeded"


async def on_hold(stage: CanaryStage) -> None:
    """Re-INVITEs of both sides in mid-capture: the customer holds and returns, then the agent does."""
    async with stage.call("hold") as call:
        session = await call.open_session(900)
        await session.capture("card_number")
        await call.press(MASTERCARD.number[:6], KeyCarrier.EVENT)
        for phone in (call.customer, call.agent):
            await phone.hold(on=True)
            await call.press(
                MASTERCARD.number[6:8] if phone is call.customer else MASTERCARD.number[8:10],
                KeyCarrier.EVENT,
            )
            await phone.hold(on=False)
        await call.press(f"{MASTERCARD.number[10:]}#", KeyCarrier.EVENT)
        await session.wait_field("card_number")
        await call.key_field(session, "expiry", EXPIRY, KeyCarrier.EVENT)
        await call.key_field(session, "security_code", MASTERCARD.code, KeyCarrier.EVENT)
        assert (await session.complete())["state"] == "succeeded"


async def late_keys(stage: CanaryStage) -> None:
    """Keys after the `#` and after the cancellation belong to no field; the mask is still there for them."""
    async with stage.call("late") as call:
        session = await call.open_session()
        await call.key_field(session, "card_number", VISA.number, KeyCarrier.EVENT)
        await call.press(MASTERCARD.number[:10], KeyCarrier.EVENT)
        await call.press(MASTERCARD.number[10:], KeyCarrier.INFO)
        await session.cancel()
        await call.press(AMEX.number, KeyCarrier.TONE)


async def no_field_waits(stage: CanaryStage) -> None:
    """A session is open and no field's window: the call is as it always is, and the agent hears the keys. Nobody else learns of them."""
    async with stage.call("stray", hears_keys=True) as call:
        session = await call.open_session()
        await call.press(STRAY.number, KeyCarrier.EVENT)
        await call.press(STRAY.number, KeyCarrier.INFO)
        await call.press(STRAY.number, KeyCarrier.TONE)
        await session.cancel()


async def card_numbers_typed(stage: CanaryStage) -> None:
    """A merchant's program writes a card number wherever it can, while a session is open."""
    async with stage.call("misuse") as call:
        session = await call.open_session()
        assert await misuse_the_api(call.desk, call.id, session.id) > 300


@dataclass(frozen=True, slots=True)
class Play:
    """One of the above, the name of its line, and what kind of line it is."""

    name: str
    act: Callable[[CanaryStage], Coroutine[None, None, None]]
    kind: LineKind = LineKind.TALK


PLAYS: Final = (
    Play("silence", silence_then_settled),
    Play("misuse", card_numbers_typed),
    Play("events", wrong_number_then_a_second_card),
    Play("tones", tones_without_a_charge),
    Play("info", info_and_a_decline),
    Play("both", event_and_tone_for_one_charge),
    Play("cancel", cancel_then_hang_up),
    Play("agent", agent_hangs_up),
    Play("errors", time_out_and_too_many_attempts),
    Play("hushed", hushed, LineKind.HUSH),
    Play("hold", on_hold),
    Play("out", the_contact_centre_calls, LineKind.OUT),
    Play("late", late_keys),
    Play("stray", no_field_waits),
)
"""The longest first: they run at once, as many as there is room for."""
