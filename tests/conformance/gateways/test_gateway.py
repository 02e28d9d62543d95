"""What every gateway adapter must do, run on each: outcomes as values, one payment a reference, and look-ups that tell the truth."""

import asyncio
import logging
import re
from dataclasses import replace
from pathlib import Path

import pytest
from tests.conformance.gateways.rigs import Rig
from tests.conformance.gateways.stage import Play

from tonevault.boundary.text import holds_card_number
from tonevault.cde.gateway import Check, Code, Verdict
from tonevault.cde.sealed.warrant import open_code, open_number
from tonevault.kernel.ids import AccountId


def test_its_traits_are_told(play: Play) -> None:
    async def story(rig: Rig) -> None:
        traits = rig.gateway.traits
        assert re.fullmatch(r"[a-z][a-z_-]*[a-z]", traits.name)
        assert traits.visibility_lag_s >= 0
        assert (traits.key_ttl_s > 0) is traits.idempotent

    play(story)


def test_an_approval_moves_money_once_and_has_a_reference(play: Play) -> None:
    async def story(rig: Rig) -> None:
        request = rig.request(rig.approves)
        answer = await rig.gateway.authorise(request)
        assert (answer.verdict, answer.code) == (Verdict.APPROVED, None)
        assert answer.gateway_reference
        assert not holds_card_number(answer.gateway_reference)
        assert await rig.moved(request.reference) == 1

    play(story)


def test_no_log_holds_a_part_of_a_card(play: Play, caplog: pytest.LogCaptureFixture) -> None:
    """At debug level, of the adapter, its SDK and its HTTP client."""

    async def story(rig: Rig) -> None:
        for card in (rig.approves, rig.declines, rig.fails):
            request = rig.request(card)
            with open_number(request.card.number) as number:
                digits = bytes(number).decode()
            await rig.gateway.authorise(request)
            runs = {digits[at : at + 7] for at in range(len(digits) - 6)}
            assert [run for run in runs if run in caplog.text] == []

    with caplog.at_level(logging.DEBUG):
        logging.getLogger("test").debug("heard")
        play(story)
    assert "heard" in caplog.text


def test_a_decline_is_a_value_with_a_code_and_moves_nothing(play: Play) -> None:
    async def story(rig: Rig) -> None:
        request = rig.request(rig.declines)
        answer = await rig.gateway.authorise(request)
        assert answer.verdict is Verdict.DECLINED
        assert isinstance(answer.code, Code)
        assert await rig.moved(request.reference) == 0

    play(story)


def test_a_failure_moves_nothing(play: Play) -> None:
    async def story(rig: Rig) -> None:
        request = rig.request(rig.fails)
        answer = await rig.gateway.authorise(request)
        assert answer.verdict is Verdict.FAILED
        assert isinstance(answer.code, Code)
        assert await rig.moved(request.reference) == 0

    play(story)


def test_a_look_up_says_what_the_answer_said_even_to_a_new_process(play: Play) -> None:
    async def story(rig: Rig) -> None:
        asked = [(rig.request(digits)) for digits in (rig.approves, rig.declines)]
        answers = [await rig.gateway.authorise(request) for request in asked]
        gateway = await rig.reopen()
        for request, answer in zip(asked, answers, strict=True):
            found = await gateway.look_up(rig.made(request, answer.gateway_reference))
            assert found is not None
            assert (found.verdict, found.code) == (answer.verdict, answer.code)
            assert found.gateway_reference == answer.gateway_reference

    play(story)


def test_silence_is_unknown_and_the_look_up_finds_the_approval(play: Play) -> None:
    async def story(rig: Rig) -> None:
        request = rig.request(rig.silent_approved)
        assert (await rig.gateway.authorise(request)).verdict is Verdict.UNKNOWN
        gateway = await rig.reopen()
        rig.clock.advance(gateway.traits.visibility_lag_s)
        found = await gateway.look_up(rig.made(request))
        assert found is not None
        assert found.verdict is Verdict.APPROVED
        assert await rig.moved(request.reference) == 1

    play(story)


def test_a_request_that_never_arrived_is_not_found(play: Play) -> None:
    async def story(rig: Rig) -> None:
        request = rig.request(rig.silent_lost)
        assert (await rig.gateway.authorise(request)).verdict is Verdict.UNKNOWN
        rig.clock.advance(rig.gateway.traits.visibility_lag_s)
        assert await rig.gateway.look_up(rig.made(request)) is None
        assert await rig.moved(request.reference) == 0

    play(story)


def test_an_unknown_reference_and_that_of_another_account_are_not_found(play: Play) -> None:
    async def story(rig: Rig) -> None:
        request = rig.request(rig.approves)
        await rig.gateway.authorise(request)
        assert await rig.gateway.look_up(rig.made(rig.request(rig.approves))) is None
        assert await rig.gateway.look_up(replace(rig.made(request), account_id=AccountId("stranger"))) is None

    play(story)


def test_where_it_says_idempotent_a_resent_reference_moves_no_more_money(play: Play) -> None:
    async def story(rig: Rig) -> None:
        if not rig.gateway.traits.idempotent:
            pytest.skip("does not say so")
        request = rig.request(rig.approves)
        answers = await asyncio.gather(*(rig.gateway.authorise(request) for _ in range(4)))
        answers.append(await (await rig.reopen()).authorise(request))
        assert {answer.verdict for answer in answers} == {Verdict.APPROVED}
        assert len({answer.gateway_reference for answer in answers}) == 1
        assert await rig.moved(request.reference) == 1

    play(story)


def test_a_reference_with_another_amount_does_nothing(play: Play) -> None:
    async def story(rig: Rig) -> None:
        if not rig.gateway.traits.idempotent:
            pytest.skip("knows no references")
        request = rig.request(rig.approves)
        await rig.gateway.authorise(request)
        changed = rig.request(rig.approves, minor=9999)
        object.__setattr__(changed, "reference", request.reference)
        answer = await rig.gateway.authorise(changed)
        assert (answer.verdict, answer.code) == (Verdict.FAILED, Code.REFERENCE_REUSED)
        assert await rig.moved(request.reference) == 1

    play(story)


def test_checks_are_reported_for_what_was_given_alone(play: Play) -> None:
    async def story(rig: Rig) -> None:
        full = await rig.gateway.authorise(rig.at_home(rig.request(rig.approves), "10001"))
        told = {Check.PASSED, Check.UNAVAILABLE}
        assert {full.security_code_check, full.postal_code_check} <= told
        bare = await rig.gateway.authorise(rig.request(rig.approves, with_code=False))
        assert (bare.security_code_check, bare.postal_code_check) == (Check.NOT_GIVEN, Check.NOT_GIVEN)

    play(story)


def test_a_wrong_security_code_is_told_apart(play: Play) -> None:
    async def story(rig: Rig) -> None:
        answer = await rig.gateway.authorise(rig.request(rig.wrong_code))
        assert (answer.verdict, answer.code) == (Verdict.DECLINED, Code.INCORRECT_SECURITY_CODE)
        assert answer.security_code_check is Check.FAILED

    play(story)


def test_a_wrong_postal_code_is_told_apart(play: Play) -> None:
    async def story(rig: Rig) -> None:
        answer = await rig.gateway.authorise(rig.at_home(rig.request(rig.wrong_postal_code), "99999"))
        assert (answer.verdict, answer.code) == (Verdict.DECLINED, Code.POSTAL_CODE_MISMATCH)
        assert answer.postal_code_check is Check.FAILED

    play(story)


def test_the_card_is_left_to_its_owner(play: Play) -> None:
    async def story(rig: Rig) -> None:
        request = rig.request(rig.approves)
        await rig.gateway.authorise(request)
        security_code = request.card.security_code
        assert security_code is not None
        with open_number(request.card.number) as digits, open_code(security_code) as code:
            assert digits == rig.approves
            assert any(code)

    play(story)


def test_what_it_writes_holds_no_card(play: Play, tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        for digits in (rig.approves, rig.declines, rig.silent_approved, rig.silent_lost, rig.wrong_code):
            await rig.gateway.authorise(rig.request(digits))
        held = written(tmp_path)
        assert held
        for digits in (rig.approves, rig.declines, rig.silent_approved, rig.wrong_code):
            assert digits[:7] not in held
            assert digits[-7:] not in held

    play(story)


def written(folder: Path) -> bytes:
    """Every byte of every file below a folder."""
    return b"".join(file.read_bytes() for file in folder.rglob("*") if file.is_file())
