"""Every error is a problem document, names field and rule, and repeats nothing of what was sent."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.unit.desk.bench import Bench, open_desk

from tonevault.desk.api.body_limit import MAX_BODY_BYTES

CARD = "4242424242424242"
MARK = "zqxjkvbw"
"""Letters that no message of ours holds."""
POSTS = (
    "/v1/customers",
    "/v1/sessions",
    "/v1/charges",
    "/v1/api_keys",
    f"/v1/calls/call_{'a' * 28}/hush",
    f"/v1/sessions/ps_{'a' * 28}/fields/card_number/capture",
)


@dataclass
class Standing:
    """One desk for many requests, each of which changes nothing."""

    folder: Path
    runner: asyncio.Runner
    desk: Bench
    client: httpx.AsyncClient

    def ask(self, method: str, path: str, **rest: Any) -> httpx.Response:
        return self.runner.run(self.client.request(method, path, **rest))


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standing]:
    folder = tmp_path_factory.mktemp("desk")
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        desk = runner.run(stack.enter_async_context(open_desk(folder)))
        client = runner.run(stack.enter_async_context(desk.client()))
        yield Standing(folder, runner, desk, client)
        runner.run(stack.aclose())


def shaped(answer: httpx.Response) -> None:
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert {"type", "title", "status", "detail", "code"} <= set(body)
    assert body["status"] == answer.status_code
    assert body["type"] == f"urn:tonevault:problem:{body['code']}"
    for each in body.get("errors", []):
        assert set(each) == {"field", "rule", "detail"}


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nothing", 404, "not_found"),
        ("GET", "/v1/calls/1", 404, "not_found"),
        ("GET", f"/v1/calls/{CARD}", 404, "not_found"),
        ("GET", f"/v1/customers/cus_{'a' * 28}", 404, "not_found"),
        ("GET", f"/v1/events/ev_{'a' * 28}", 404, "not_found"),
        ("GET", f"/v1/tokens/tok_{'a' * 28}", 404, "not_found"),
        ("GET", f"/v1/charges/ch_{'a' * 28}", 404, "not_found"),
        ("POST", f"/v1/sessions/ps_{'a' * 28}/cancel", 404, "not_found"),
        ("PUT", "/v1/calls", 405, "method_not_allowed"),
        ("DELETE", f"/v1/customers/{CARD}", 405, "method_not_allowed"),
        ("GET", f"/v1/calls?cursor={CARD}", 422, "invalid_request"),
        ("GET", "/v1/calls?limit=1000", 422, "invalid_request"),
        ("GET", f"/v1/calls?cursor=call_{'a' * 28}", 422, "invalid_request"),
        ("POST", f"/v1/sessions/ps_{'a' * 28}/fields/{CARD}/capture", 422, "invalid_request"),
    ],
)
def test_errors_of_address_and_query(
    standing: Standing, method: str, path: str, status: int, code: str
) -> None:
    answer = standing.ask(method, path)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    shaped(answer)
    assert CARD not in answer.text


@pytest.mark.parametrize(
    "number", [CARD, "4242 4242 4242 4242", "3782-822463-10005", "４２４２４２４２４２４２４２４２"]
)
@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/v1/customers", {"name": "{}"}, "name"),
        ("/v1/customers", {"name": "Ann", "reference": "card {}"}, "reference"),
        ("/v1/customers", {"name": "Ann", "email": "{}@example.com"}, None),
        ("/v1/customers", {"name": "Ann", "phone": "{}"}, None),
        ("/v1/sessions", {"call_id": "call_" + "a" * 28, "description": "{} 12/30"}, "description"),
        ("/v1/sessions", {"call_id": "call_" + "a" * 28, "reference": "{}"}, "reference"),
        (
            "/v1/charges",
            {"token": "tok_" + "a" * 28, "amount": 5, "currency": "GBP", "description": "{}"},
            "description",
        ),
        ("/v1/charges", {"token": "{}", "amount": 5, "currency": "GBP"}, None),
        ("/v1/api_keys", {"name": "{}", "scopes": ["calls:read"]}, "name"),
    ],
)
def test_card_numbers_are_refused_by_name_and_kept_nowhere(
    standing: Standing, number: str, path: str, body: dict[str, object], field: str | None
) -> None:
    filled = {key: value.format(number) if isinstance(value, str) else value for key, value in body.items()}
    answer = standing.ask("POST", path, json=filled, headers={"Idempotency-Key": number.encode()})
    assert answer.status_code == 422
    shaped(answer)
    if field is not None:
        assert answer.json()["code"] == "card_data_refused"
        named = {each["field"] for each in answer.json()["errors"] if each["rule"] == "card_data_refused"}
        assert named == {field}
    assert number not in answer.text
    for file in standing.folder.iterdir():
        assert number.encode() not in file.read_bytes()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from([CARD, MARK, f"{MARK} {CARD}"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from([MARK, CARD, "name", "amount", "token", "call_id", "fields", "on"]), inner
        )
    ),
    max_leaves=8,
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=JSON, raw=st.booleans(), at=st.sampled_from(POSTS), data=st.data())
def test_no_error_repeats_its_input(
    standing: Standing, body: object, at: str, data: st.DataObject, *, raw: bool
) -> None:
    content = json.dumps(body).encode()
    if raw:
        content = content[: data.draw(st.integers(0, len(content)))] + CARD.encode()
    headers = {"Content-Type": "application/json", "Idempotency-Key": MARK, "X-Card": CARD}
    answer = standing.ask("POST", f"{at}?{MARK}={CARD}", content=content, headers=headers)
    if answer.status_code >= 400:
        shaped(answer)
        assert answer.status_code < 500
        assert CARD not in answer.text
        assert MARK not in answer.text


def test_a_fault_is_answered_without_its_message_and_logged_without_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async def play() -> None:
        async with open_desk(tmp_path) as desk, desk.client() as client:

            async def fail(*arguments: object, **named: object) -> None:
                raise RuntimeError(f"cannot store {CARD}")

            desk.services.calls.page = fail  # type: ignore[method-assign, assignment]
            answer = await client.get("/v1/calls")
            assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
            shaped(answer)
            assert CARD not in answer.text

    asyncio.run(play())
    said = capsys.readouterr()
    assert "RuntimeError" in said.out + said.err
    assert CARD not in said.out + said.err


def test_a_body_has_a_limit_announced_or_not(tmp_path: Path) -> None:
    async def play() -> None:
        async with open_desk(tmp_path) as desk, desk.client() as client:

            async def endless() -> AsyncIterator[bytes]:
                for _ in range(20):
                    yield b" " * (MAX_BODY_BYTES // 10)

            headers = {"Content-Type": "application/json"}
            for content in (b" " * (MAX_BODY_BYTES + 1), endless()):
                answer = await client.post("/v1/customers", content=content, headers=headers)
                assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")
                shaped(answer)

    asyncio.run(play())


def test_every_answer_is_safe_to_hold(tmp_path: Path) -> None:
    async def play() -> None:
        async with open_desk(tmp_path) as desk, desk.client() as client:
            for path in ("/v1/me", "/nothing", "/docs", "/health"):
                answer = await client.get(path)
                assert answer.headers["cache-control"] == "no-store"
                assert answer.headers["x-content-type-options"] == "nosniff"
                assert "default-src 'none'" in answer.headers["content-security-policy"]

    asyncio.run(play())
