"""API keys: shown once, stored as a digest, held to their scopes, closed for good."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest
from tests.databases import written
from tests.unit.desk.bench import ACME, START, open_desk

from tonevault.desk.keyed_digest import KeyedDigest
from tonevault.desk.people.model import Scope
from tonevault.desk.people.secret import Secret, SecretKind, make_secret, read_secret
from tonevault.kernel.ids import AccountId


def test_a_key_holds_its_scopes_and_no_more(tmp_path: Path) -> None:
    async def play() -> None:
        async with open_desk(tmp_path) as desk, desk.client(await desk.key([Scope.CALLS_READ])) as client:
            assert (await client.get("/v1/calls")).status_code == 200
            refused = await client.get("/v1/sessions")
            assert (refused.status_code, refused.json()["required_scope"]) == (403, "sessions:read")

    asyncio.run(play())


def test_a_key_is_made_used_and_revoked_over_the_api(tmp_path: Path) -> None:
    async def play() -> None:
        async with open_desk(tmp_path) as desk, desk.client() as client:
            made = await client.post("/v1/api_keys", json={"name": "CRM", "scopes": ["calls:read"]})
            assert made.status_code == 201
            key, secret = made.json()["api_key"], made.json()["secret"]
            assert secret not in (await client.get("/v1/api_keys")).text
            assert secret.encode() not in written(tmp_path, "desk")
            async with desk.client(secret) as program:
                assert (await program.get("/v1/me")).json()["actor"] == key["id"]
                excess = await program.post("/v1/api_keys", json={"name": "x", "scopes": ["calls:read"]})
                assert excess.status_code == 403
                revoked = await client.post(f"/v1/api_keys/{key['id']}/revoke")
                assert revoked.json()["revoked_at"] is not None
                assert (await program.get("/v1/me")).status_code == 401

    asyncio.run(play())


def test_nobody_makes_a_key_that_may_do_more_than_they(tmp_path: Path) -> None:
    async def play() -> None:
        async with open_desk(tmp_path) as desk, desk.client(await desk.key([Scope.KEYS_WRITE])) as client:
            answer = await client.post("/v1/api_keys", json={"name": "x", "scopes": ["charges:write"]})
            assert (answer.status_code, answer.json()["code"]) == (403, "permission_denied")

    asyncio.run(play())


def test_a_key_expires(tmp_path: Path) -> None:
    async def play() -> None:
        async with open_desk(tmp_path) as desk:
            expires_at = START + timedelta(hours=1)
            _, secret = await desk.services.people.create_api_key(
                ACME, "short", [Scope.CALLS_READ], expires_at=expires_at
            )
            async with desk.client(secret.text) as client:
                assert (await client.get("/v1/calls")).status_code == 200
                desk.clock.advance(3600)
                assert (await client.get("/v1/calls")).status_code == 401

    asyncio.run(play())


@pytest.mark.parametrize(
    "header",
    ["", "Bearer", "Bearer ", "Bearer tv_acme_x", "Basic YTpi", "Bearer tvs_acme_" + "a" * 28, "x" * 5000],
)
def test_what_is_no_key_opens_nothing(tmp_path: Path, header: str) -> None:
    async def play() -> None:
        async with open_desk(tmp_path) as desk, desk.stranger({"Authorization": header}) as client:
            answer = await client.get("/v1/me")
            assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")

    asyncio.run(play())


def test_a_secret_is_read_back_and_never_shown_in_a_repr() -> None:
    secret = make_secret(SecretKind.API_KEY, AccountId("acme-travel"), lambda below: 7 % below)
    assert read_secret(secret.text, SecretKind.API_KEY) == secret
    assert read_secret(secret.text, SecretKind.LOG_IN) is None
    assert secret.letters not in repr(secret)
    digests = KeyedDigest(bytes(32))
    other = Secret(SecretKind.LOG_IN, secret.account_id, secret.letters)
    assert secret.digest(digests) != other.digest(digests)


def test_a_digest_needs_a_strong_key_and_keeps_parts_apart() -> None:
    with pytest.raises(ValueError, match="32"):
        KeyedDigest(bytes(31))
    digests = KeyedDigest(bytes(32))
    assert digests.of("a", b"bc", b"d") != digests.of("a", b"b", b"cd")
    assert digests.of("a", b"b") != KeyedDigest(bytes([1] * 32)).of("a", b"b")
