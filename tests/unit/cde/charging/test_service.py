"""The cashier: one charge an id, refusals as results, the code gone whatever happens, silence settled by look-up."""

import asyncio
import re
from collections.abc import Callable
from pathlib import Path

import pytest
import structlog
from sqlalchemy import Connection, select
from tests.till import ACCOUNT, START, Play, Till, charge_id, code, operation, player, request

from tonevault.boundary.charges import ChargeState, CheckResult
from tonevault.boundary.operations import OperationKind
from tonevault.boundary.tokens import TokenState, TokenUsage
from tonevault.cde.charging.errors import ChargeNotFoundError, IdempotencyMismatchError, TooLateError
from tonevault.cde.charging.service import Cashier
from tonevault.cde.gateway import Authorisation, GatewayAnswer
from tonevault.cde.schema import ACCOUNT_KEY, JOB, PAYMENT_ATTEMPT
from tonevault.cde.sealed.security_code import SecurityCode
from tonevault.cde.sealed.warrant import open_code, open_number
from tonevault.cde.vault.errors import TokenNotFoundError
from tonevault.kernel.ids import TokenId

LOST = b"4000000000009029"
SILENT_APPROVED = b"4000000000009003"


@pytest.fixture
def play(tmp_path: Path) -> Play:
    return player(tmp_path)


def is_gone(security_code: SecurityCode) -> bool:
    with open_code(security_code) as digits:
        return not any(digits)


async def moved(till: Till) -> int:
    return len(await till.simulator.movements(ACCOUNT))


def test_a_charge_succeeds_and_is_told_once(play: Play) -> None:
    async def story(till: Till) -> None:
        token = await till.token()
        result = await till.cashier.charge(request(token.token_id), code())
        assert (result.state, result.gateway, result.code) == (ChargeState.SUCCEEDED, "simulator", None)
        assert result.security_code_check is CheckResult.PASSED
        assert till.told == [result]
        assert await till.cashier.charge_result(ACCOUNT, result.charge_id) == result
        assert await moved(till) == 1
        assert await till.database.read(lambda c: c.execute(select(JOB)).all()) == []

    play(story)


def test_the_same_id_is_the_same_charge_now_later_and_at_once(play: Play) -> None:
    async def story(till: Till) -> None:
        token = await till.token()
        asked = request(token.token_id)
        results = await asyncio.gather(*(till.cashier.charge(asked, code()) for _ in range(8)))
        assert {result.state for result in results} == {ChargeState.SUCCEEDED}
        await till.reopen()
        assert await till.cashier.charge(asked) == results[0]
        assert await moved(till) == 1
        assert len(await till.database.read(lambda c: c.execute(select(PAYMENT_ATTEMPT)).all())) == 1

    play(story)


def test_what_is_too_late_is_not_begun_and_what_stands_is_answered(play: Play) -> None:
    async def story(till: Till) -> None:
        token = await till.token()
        asked = request(token.token_id).model_copy(update={"begin_by": START})
        first = await till.cashier.charge(asked)
        assert first.state is ChargeState.SUCCEEDED
        till.clock.advance(1)
        assert await till.cashier.charge(asked) == first
        late = request(token.token_id).model_copy(update={"begin_by": START})
        with pytest.raises(TooLateError) as refusal:
            await till.cashier.charge(late, code())
        assert (refusal.value.status, refusal.value.code) == (409, "not_sent")
        refund = operation(OperationKind.REFUND, first.charge_id).model_copy(update={"begin_by": START})
        with pytest.raises(TooLateError):
            await till.cashier.operate(refund)
        assert await moved(till) == 1

    play(story)


@pytest.mark.parametrize("change", ["amount", "description", "token"])
def test_another_body_under_one_id_is_refused_and_sends_nothing(play: Play, change: str) -> None:
    async def story(till: Till) -> None:
        token = await till.token()
        asked = request(token.token_id)
        await till.cashier.charge(asked)
        changed = {
            "amount": request(token.token_id, 99, asked.charge_id),
            "description": asked.model_copy(update={"description": "another"}),
            "token": request((await till.token(b"5555555555554444")).token_id, 1250, asked.charge_id),
        }[change]
        security_code = code()
        with pytest.raises(IdempotencyMismatchError) as refusal:
            await till.cashier.charge(changed, security_code)
        assert (refusal.value.status, refusal.value.code) == (422, "idempotency_mismatch")
        assert is_gone(security_code)
        assert await moved(till) == 1

    play(story)


@pytest.mark.parametrize(
    ("digits", "state", "why"),
    [
        (b"4000000000009995", ChargeState.DECLINED, "insufficient_funds"),
        (b"4000000000000002", ChargeState.DECLINED, "do_not_honour"),
        (b"4000000000009987", ChargeState.DECLINED, "lost_card"),
        (b"4000000000000119", ChargeState.FAILED, "processing_error"),
    ],
)
def test_declines_and_failures_are_results_and_leave_the_token(
    play: Play, digits: bytes, state: ChargeState, why: str
) -> None:
    async def story(till: Till) -> None:
        token = await till.token(digits)
        result = await till.cashier.charge(request(token.token_id), code())
        assert (result.state, result.code) == (state, why)
        assert (await till.vault.token(ACCOUNT, token.token_id, START)).state is TokenState.ACTIVE
        assert await moved(till) == 0

    play(story)


@pytest.mark.parametrize("digits", [b"4242424242424242", b"4000000000000002", SILENT_APPROVED, LOST])
def test_the_security_code_is_gone_when_the_answer_is_in(play: Play, digits: bytes) -> None:
    async def story(till: Till) -> None:
        token = await till.token(digits)
        security_code = code()
        await till.cashier.charge(request(token.token_id), security_code)
        assert is_gone(security_code)

    play(story)


def test_the_gateway_gets_number_and_code_and_both_are_gone_after(
    play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(till: Till) -> None:
        seen: list[Authorisation] = []
        token = await till.token()

        async def authorise(asked: Authorisation) -> GatewayAnswer:
            seen.append(asked)
            assert asked.card.security_code is not None
            with open_number(asked.card.number) as number, open_code(asked.card.security_code) as digits:
                assert (bytes(number), bytes(digits)) == (b"4242424242424242", b"123")
            raise RuntimeError("an adapter's own fault, with 4242424242424242 in it")

        monkeypatch.setattr(till.simulator, "authorise", authorise)
        result = await till.cashier.charge(request(token.token_id), code())
        assert result.state is ChargeState.UNKNOWN
        with open_number(seen[0].card.number) as number:
            assert not any(number)
        assert seen[0].card.security_code is not None
        assert is_gone(seen[0].card.security_code)

    play(story)


def test_the_security_code_is_gone_before_the_answer_is_written_down(
    play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(till: Till) -> None:
        token, security_code = await till.token(), code()
        real, gone = till.database.transact, list[bool]()

        async def watch(work: Callable[[Connection], object]) -> object:
            gone.append(is_gone(security_code))
            return await real(work)

        monkeypatch.setattr(till.database, "transact", watch)
        await till.cashier.charge(request(token.token_id), security_code)
        # The charge and its attempt, the sending, the answer.
        assert gone == [False, False, True]

    play(story)


def test_the_log_tells_of_charges_and_shows_no_card(play: Play) -> None:
    async def story(till: Till) -> None:
        with structlog.testing.capture_logs() as lines:
            for digits in (b"4242424242424242", b"4000000000000002", SILENT_APPROVED):
                token = await till.token(digits)
                await till.cashier.charge(request(token.token_id), code(b"987"))
            await till.settle()
        told = repr(lines)
        assert {line["event"] for line in lines} == {"card opened", "charge changed"}
        assert not re.search(r"\d{4}", told)
        assert "987" not in told

    play(story)


def test_a_caller_that_goes_away_does_not_stop_the_charge(play: Play) -> None:
    async def story(till: Till) -> None:
        token = await till.token()
        asked = request(token.token_id)
        caller = asyncio.create_task(till.cashier.charge(asked, code()))
        await asyncio.sleep(0)
        caller.cancel()
        await asyncio.gather(caller, return_exceptions=True)
        await till.cashier.close()
        assert (await till.cashier.charge_result(ACCOUNT, asked.charge_id)).state is ChargeState.SUCCEEDED

    play(story)


def test_a_single_use_token_pays_once_even_when_asked_at_once(play: Play) -> None:
    async def story(till: Till) -> None:
        token = await till.token(usage=TokenUsage.SINGLE)
        results = await asyncio.gather(
            *(till.cashier.charge(request(token.token_id), code()) for _ in range(6))
        )
        states = sorted(result.state.value for result in results)
        assert states == ["failed"] * 5 + ["succeeded"]
        assert {result.code for result in results} == {None, "token_not_chargeable"}
        assert (await till.vault.token(ACCOUNT, token.token_id, START)).state is TokenState.CONSUMED
        assert await moved(till) == 1

    play(story)


def test_a_token_that_has_ended_is_refused_as_a_result_that_stays(play: Play) -> None:
    async def story(till: Till) -> None:
        token = await till.token()
        await till.vault.revoke(ACCOUNT, token.token_id, START)
        asked = request(token.token_id)
        for _ in range(2):
            result = await till.cashier.charge(asked, code())
            assert (result.state, result.code) == (ChargeState.FAILED, "token_not_chargeable")
        assert len(till.told) == 1
        assert await moved(till) == 0

    play(story)


def test_what_cannot_be_charged_is_a_result_and_consumes_no_token(play: Play) -> None:
    async def story(till: Till) -> None:
        token = await till.token(usage=TokenUsage.SINGLE)
        nowhere = await Cashier(till.database, till.vault, {}, till.clock).charge(request(token.token_id))
        assert (nowhere.state, nowhere.code, nowhere.gateway) == (
            ChargeState.FAILED,
            "gateway_not_configured",
            "none",
        )
        assert (await till.vault.token(ACCOUNT, token.token_id, START)).state is TokenState.ACTIVE

    play(story)


def test_unknown_ids_are_not_found(play: Play) -> None:
    async def story(till: Till) -> None:
        security_code = code()
        with pytest.raises(TokenNotFoundError):
            await till.cashier.charge(request(TokenId("tok_" + "z" * 28)), security_code)
        assert is_gone(security_code)
        with pytest.raises(ChargeNotFoundError):
            await till.cashier.charge_result(ACCOUNT, charge_id())

    play(story)


def test_a_card_whose_key_is_damaged_fails_before_anything_is_sent(play: Play) -> None:
    async def story(till: Till) -> None:
        token = await till.token()
        await till.database.transact(lambda c: c.execute(ACCOUNT_KEY.update().values(wrapped=b"x" * 60)))
        await till.reopen()
        result = await till.cashier.charge(request(token.token_id), code())
        assert (result.state, result.code) == (ChargeState.FAILED, "card_unreadable")
        assert await moved(till) == 0

    play(story)


def test_a_listener_that_fails_does_not_undo_the_charge(play: Play) -> None:
    async def story(till: Till) -> None:
        def fail(result: object) -> None:
            raise RuntimeError("the panel is gone")

        gateways = {ACCOUNT: till.simulator}
        cashier = Cashier(till.database, till.vault, gateways, till.clock, on_change=fail)
        result = await cashier.charge(request((await till.token()).token_id), code())
        assert result.state is ChargeState.SUCCEEDED

    play(story)


def test_charges_are_listed_newest_first_by_page_and_account(play: Play) -> None:
    async def story(till: Till) -> None:
        token = await till.token()
        made = sorted(
            [(await till.cashier.charge(request(token.token_id))).charge_id for _ in range(5)], reverse=True
        )
        page = await till.cashier.charges(ACCOUNT, limit=3)
        assert [charge.charge_id for charge in page] == made[:3]
        rest = await till.cashier.charges(ACCOUNT, before=page[-1].charge_id)
        assert [charge.charge_id for charge in rest] == made[3:]
        assert await till.cashier.charges(type(ACCOUNT)("stranger")) == []

    play(story)
