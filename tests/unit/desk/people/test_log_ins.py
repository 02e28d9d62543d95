"""Logging in: passwords, tickets, cookies, limits, and what a role may do."""

import asyncio
import re
from pathlib import Path

import pytest
from fastapi import Response
from tests.unit.desk.bench import ACME, BOLT, Bench, open_desk

from tonevault.desk.people import failures
from tonevault.desk.people.guard import COOKIE, CSRF_HEADER
from tonevault.desk.people.log_ins import IDLE, LIFETIME, TICKET_LIFETIME, LoggedIn
from tonevault.desk.people.model import ROLE_SCOPES, Role, Scope
from tonevault.desk.refusal import Refusal

PASSWORD = "correct horse battery"


async def sam(desk: Bench, role: Role = Role.AGENT) -> LoggedIn:
    await desk.services.people.add_user(ACME, "Sam@Acme.example", "Sam", role, PASSWORD)
    return await desk.services.log_ins.log_in("sam@acme.example", PASSWORD, "192.0.2.1", ACME)


def cookies(logged_in: LoggedIn) -> dict[str, str]:
    return {"Cookie": f"{COOKIE}={logged_in.secret.text}"}


def test_a_log_in_opens_the_api_and_changes_need_the_csrf_token(tmp_path: Path) -> None:
    async def play() -> None:
        async with open_desk(tmp_path) as desk:
            logged_in = await sam(desk)
            principal = await desk.services.log_ins.who(logged_in.secret.text)
            assert principal is not None
            async with desk.stranger(cookies(logged_in)) as client:
                me = (await client.get("/v1/me")).json()
                assert (me["user"]["login"], me["user"]["role"]) == ("sam@acme.example", "agent")
                body = {"name": "Ann"}
                for headers in ({}, {CSRF_HEADER: "0" * 64}):
                    refused = await client.post("/v1/customers", json=body, headers=headers)
                    assert (refused.status_code, refused.json()["code"]) == (403, "csrf_token_wrong")
                headers = {CSRF_HEADER: principal.csrf_token or ""}
                assert (await client.post("/v1/customers", json=body, headers=headers)).status_code == 201
                await desk.services.log_ins.log_out(logged_in.secret.text)
                assert (await client.get("/v1/me")).status_code == 401

    asyncio.run(play())


def test_wrong_passwords_tell_nothing_and_are_limited(tmp_path: Path) -> None:
    async def play() -> None:
        async with open_desk(tmp_path) as desk:
            await sam(desk)

            async def refusal(login: str, password: str, address: str = "192.0.2.1") -> Refusal:
                with pytest.raises(Refusal) as refused:
                    await desk.services.log_ins.log_in(login, password, address, ACME)
                return refused.value

            wrong, unknown = await refusal("sam@acme.example", "wrong"), await refusal("nobody", "wrong")
            assert (wrong.code, wrong.detail) == (unknown.code, unknown.detail)
            for _ in range(failures.MAX_PER_USER_AND_ADDRESS - 1):
                assert (await refusal("sam@acme.example", "wrong")).code == "wrong_log_in"
            locked = await refusal("sam@acme.example", PASSWORD)
            assert (locked.code, locked.status) == ("too_many_log_ins", 429)
            assert 0 < (locked.retry_after_s or 0) <= failures.WINDOW.total_seconds()
            await desk.services.log_ins.log_in("sam@acme.example", PASSWORD, "192.0.2.2", ACME)
            desk.clock.advance(failures.WINDOW.total_seconds() + 1)
            await desk.services.log_ins.log_in("sam@acme.example", PASSWORD, "192.0.2.1", ACME)

    asyncio.run(play())


def test_one_address_trying_many_users_is_stopped(tmp_path: Path) -> None:
    async def play() -> None:
        async with open_desk(tmp_path) as desk:
            codes = []
            for number in range(failures.MAX_PER_ADDRESS + 1):
                with pytest.raises(Refusal) as refused:
                    await desk.services.log_ins.log_in(f"user{number}", "wrong", "192.0.2.9", ACME)
                codes.append(refused.value.code)
            assert codes[-2:] == ["wrong_log_in", "too_many_log_ins"]

    asyncio.run(play())


def test_the_account_may_be_left_out_only_where_there_is_one(tmp_path: Path) -> None:
    async def play() -> None:
        async with open_desk(tmp_path) as desk:
            await sam(desk)
            with pytest.raises(Refusal) as refused:
                await desk.services.log_ins.log_in("sam@acme.example", PASSWORD, "192.0.2.1")
            assert refused.value.code == "account_required"
            with pytest.raises(Refusal):
                await desk.services.log_ins.log_in("sam@acme.example", PASSWORD, "192.0.2.1", BOLT)

    asyncio.run(play())


def test_a_ticket_logs_in_once_and_soon(tmp_path: Path) -> None:
    async def play() -> None:
        async with open_desk(tmp_path) as desk:
            await sam(desk)
            log_ins = desk.services.log_ins
            ticket = await log_ins.make_ticket(ACME, "sam@acme.example")
            assert (await log_ins.redeem(ticket.text)).user.name == "Sam"
            late = await log_ins.make_ticket(ACME, "sam@acme.example")
            desk.clock.advance(TICKET_LIFETIME.total_seconds() + 1)
            for spent in (ticket.text, late.text, "tvt_acme_" + "a" * 28, "", "tv" * 500):
                with pytest.raises(Refusal) as refused:
                    await log_ins.redeem(spent)
                assert refused.value.code == "ticket_spent"

    asyncio.run(play())


def test_a_log_in_ends_by_idleness_and_by_age(tmp_path: Path) -> None:
    async def play() -> None:
        async with open_desk(tmp_path) as desk:
            idle = await sam(desk)
            log_ins = desk.services.log_ins
            desk.clock.advance(IDLE.total_seconds() + 1)
            assert await log_ins.who(idle.secret.text) is None
            busy = await log_ins.log_in("sam@acme.example", PASSWORD, "192.0.2.1", ACME)
            step = IDLE.total_seconds() / 2
            for _ in range(int(LIFETIME.total_seconds() / step) - 1):
                desk.clock.advance(step)
                assert await log_ins.who(busy.secret.text) is not None
            desk.clock.advance(step + 1)
            assert await log_ins.who(busy.secret.text) is None

    asyncio.run(play())


@pytest.mark.parametrize(
    ("role", "method", "path", "status"),
    [
        (Role.AGENT, "GET", "/v1/audit_entries", 403),
        (Role.AGENT, "POST", "/v1/tokens/tok_" + "a" * 28 + "/revoke", 403),
        (Role.SUPERVISOR, "POST", "/v1/tokens/tok_" + "a" * 28 + "/revoke", 404),
        (Role.FINANCE, "POST", "/v1/sessions/ps_" + "a" * 28 + "/cancel", 403),
        (Role.AUDITOR, "GET", "/v1/audit_entries", 200),
        (Role.AUDITOR, "POST", "/v1/sessions/ps_" + "a" * 28 + "/cancel", 403),
        (Role.ADMIN, "GET", "/v1/api_keys", 200),
        (Role.SUPERVISOR, "GET", "/v1/api_keys", 403),
    ],
)
def test_roles(tmp_path: Path, role: Role, method: str, path: str, status: int) -> None:
    async def play() -> None:
        async with open_desk(tmp_path) as desk:
            logged_in = await sam(desk, role)
            principal = await desk.services.log_ins.who(logged_in.secret.text)
            assert principal is not None
            headers = cookies(logged_in) | {CSRF_HEADER: principal.csrf_token or ""}
            async with desk.stranger(headers) as client:
                answer = await client.request(method, path)
                assert answer.status_code == status, answer.text
                if status == 403:
                    assert answer.json()["required_scope"] in set(Scope) - ROLE_SCOPES[role]

    asyncio.run(play())


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(tmp_path: Path) -> None:
    async def play() -> None:
        async with open_desk(tmp_path) as desk:
            response = Response()
            desk.services.guard.set_cookie(response, (await sam(desk)).secret)
            cookie = response.headers["set-cookie"]
            assert re.match(
                rf"{COOKIE}=tvs_acme_[a-z]{{28}}; HttpOnly; Max-Age=43200; Path=/; SameSite=lax", cookie
            )

    asyncio.run(play())


@pytest.mark.parametrize("password", ["short", "x" * 129])
def test_a_password_has_a_length(tmp_path: Path, password: str) -> None:
    async def play() -> None:
        async with open_desk(tmp_path) as desk:
            with pytest.raises(Refusal) as refused:
                await desk.services.people.add_user(ACME, "sam", "Sam", Role.AGENT, password)
            assert refused.value.errors[0].field == "password"
            user, made = await desk.services.people.add_user(ACME, "sam", "Sam", Role.AGENT)
            assert (await desk.services.log_ins.log_in("sam", made, "192.0.2.1", ACME)).user == user
            with pytest.raises(Refusal) as taken:
                await desk.services.people.add_user(ACME, "SAM", "Sam", Role.AGENT)
            assert taken.value.code == "login_taken"

    asyncio.run(play())


def test_a_new_password_and_a_shut_door_end_every_log_in(tmp_path: Path) -> None:
    async def play() -> None:
        async with open_desk(tmp_path) as desk:
            people, log_ins = desk.services.people, desk.services.log_ins
            logged_in = await sam(desk)
            made = await people.set_password(ACME, "sam@acme.example")
            assert await log_ins.who(logged_in.secret.text) is None
            again = await log_ins.log_in("sam@acme.example", made, "192.0.2.1", ACME)
            ticket = await log_ins.make_ticket(ACME, "sam@acme.example")
            await people.set_disabled(ACME, "sam@acme.example", disabled=True)
            assert await log_ins.who(again.secret.text) is None
            with pytest.raises(Refusal, match="ticket_spent"):
                await log_ins.redeem(ticket.text)
            with pytest.raises(Refusal, match="wrong_log_in"):
                await log_ins.log_in("sam@acme.example", made, "192.0.2.1", ACME)
            await people.set_disabled(ACME, "sam@acme.example", disabled=False)
            await log_ins.log_in("sam@acme.example", made, "192.0.2.1", ACME)

    asyncio.run(play())
