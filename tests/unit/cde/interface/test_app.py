"""The narrow interface at the level of requests: who gets in, what is refused, and that nothing of a request comes back."""

import asyncio
import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest
from structlog.testing import capture_logs

from tonevault.boundary.captures import CaptureView, FieldName
from tonevault.boundary.interface import CALLS, CAPTURES, CHARGES, HEALTH, MAX_BODY_BYTES, NOTICES, PREFIX
from tonevault.boundary.notices import NOTICE, CallChanged, Ping
from tonevault.cde.interface.app import BoundaryApp
from tonevault.cde.interface.notice_stream import stream_notices
from tonevault.cde.interface.routes import ROUTES
from tonevault.kernel.ids import SessionId
from tonevault.testing.secure_zone import FakeSecureZone

TOKEN = "t" * 32
CARD = "4242424242424242"


@dataclass
class Answer:
    """What came back; `stop` lets a client go away in mid-stream."""

    status: int = 0
    headers: dict[bytes, bytes] = field(default_factory=dict)
    body: bytes = b""
    whole: bool = False

    async def __call__(self, message: Mapping[str, object]) -> None:
        if message["type"] == "http.response.start":
            assert isinstance(message["status"], int)
            assert self.status == 0
            self.status = message["status"]
            self.headers = dict(message["headers"])  # type: ignore[call-overload]
        else:
            self.body += message.get("body", b"")  # type: ignore[operator]
            self.whole = not message.get("more_body", False)


def ask(
    method: str,
    path: str,
    body: bytes = b"",
    *,
    token: str | None = TOKEN,
    zone: FakeSecureZone | None = None,
) -> Answer:
    async def whole() -> Answer:
        parts = [body[:10], body[10:]]

        async def receive() -> Mapping[str, object]:
            if not parts:
                await asyncio.Event().wait()
            return {"type": "http.request", "body": parts.pop(0), "more_body": bool(parts)}

        answer = Answer()
        headers = [] if token is None else [(b"authorization", f"Bearer {token}".encode())]
        scope = {"type": "http", "method": method, "path": path, "headers": headers}
        await BoundaryApp(zone or FakeSecureZone(), TOKEN)(scope, receive, answer)
        return answer

    return asyncio.run(whole())


def problem(answer: Answer) -> tuple[int, str]:
    found = json.loads(answer.body)
    assert set(found) == {"code", "detail"}
    assert answer.headers[b"content-type"] == b"application/json"
    assert answer.headers[b"cache-control"] == b"no-store"
    return answer.status, found["code"]


def test_every_route_but_health_asks_for_the_token() -> None:
    for route in ROUTES:
        path = _example(route.pattern.pattern)
        assert route.pattern.fullmatch(path)
        for token in (None, "", "u" * 32, TOKEN[:-1], TOKEN + "t"):
            answer = ask(route.method, path, token=token)
            if path == HEALTH:
                assert (answer.status, answer.body) == (200, b'{"status":"ok"}')
            else:
                assert problem(answer) == (401, "unauthorised")
    assert problem(ask("GET", "/", token=None)) == (401, "unauthorised")


def _example(pattern: str) -> str:
    for name, example in (
        ("call", "call_" + "c" * 28),
        ("session", "ps_" + "s" * 28),
        ("charge", "ch_" + "h" * 28),
        ("token", "tok_" + "t" * 28),
        ("account", "acme"),
        ("operation", "re_" + "o" * 28),
        ("reconciliation", "rec_" + "r" * 28),
        ("after", "a"),
        ("field", "expiry"),
    ):
        start = pattern.find(f"(?P<{name}>")
        if start >= 0:
            depth, end = 0, start
            while True:
                depth += {"(": 1, ")": -1}.get(pattern[end], 0)
                end += 1
                if depth == 0:
                    break
            pattern = pattern[:start] + example + pattern[end:]
    return pattern.replace("\\", "")


def test_a_token_that_could_be_guessed_is_refused() -> None:
    with pytest.raises(ValueError, match="boundary_secret"):
        BoundaryApp(FakeSecureZone(), "short")


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nowhere", 404, "not_found"),
        ("GET", f"{CAPTURES}/ps_{CARD}", 404, "not_found"),
        ("GET", f"{CAPTURES}/ps_{'s' * 28}/", 404, "not_found"),
        ("GET", f"{PREFIX}/accounts/{CARD}/tokens/tok_{'t' * 28}", 404, "not_found"),
        ("DELETE", f"{CAPTURES}/ps_{'s' * 28}", 405, "method_not_allowed"),
        ("POST", CALLS, 405, "method_not_allowed"),
        ("POST", f"{CAPTURES}/ps_{'s' * 28}/fields/pan/start", 422, "field_unknown"),
    ],
)
def test_what_is_not_there(method: str, path: str, status: int, code: str) -> None:
    answer = ask(method, path)
    assert problem(answer) == (status, code)
    assert CARD.encode() not in answer.body


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        CARD.encode(),
        json.dumps(CARD).encode(),
        json.dumps({CARD: CARD}).encode(),
        json.dumps({"session_id": CARD, "description": f"card {CARD}", "fields": [CARD]}).encode(),
        json.dumps({"amount": {"amount_minor": int(CARD), "currency": CARD}}).encode(),
        json.dumps({"expires_at": CARD, "max_attempts": CARD, "accepted_brands": CARD}).encode(),
        b"\xff" + CARD.encode(),
    ],
)
def test_bad_bodies_are_named_by_field_and_never_repeated(
    body: bytes, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    for path in (CAPTURES, CHARGES, f"{CALLS}/call_{'c' * 28}/hush"):
        answer = ask("POST", path, body)
        assert problem(answer) == (422, "invalid_request")
        assert CARD.encode() not in answer.body
        assert CARD[:7].encode() not in answer.body
    assert CARD[:7] not in caplog.text + "".join(capfd.readouterr())


def test_a_description_with_a_card_number_does_not_pass() -> None:
    detail = json.loads(ask("POST", CAPTURES, json.dumps({"description": f"card {CARD}"}).encode()).body)[
        "detail"
    ]
    assert "description: Value error, looks like a card number" in detail


def test_a_body_has_a_limit() -> None:
    assert problem(ask("POST", CAPTURES, b" " * (MAX_BODY_BYTES + 1))) == (413, "body_too_large")


def test_a_fault_is_answered_without_its_message() -> None:
    class Broken(FakeSecureZone):
        async def start_field(self, session_id: SessionId, field: FieldName) -> CaptureView:
            raise KeyError(f"the card {CARD}")

    with capture_logs() as logs:
        answer = ask("POST", f"{CAPTURES}/ps_{'s' * 28}/fields/expiry/start", zone=Broken())
    assert problem(answer) == (500, "internal_error")
    assert CARD.encode() not in answer.body
    assert CARD not in str(logs)
    assert [each["error"] for each in logs] == ["KeyError"]


def test_a_zone_that_is_not_up() -> None:
    zone = FakeSecureZone()
    zone.unreachable = True
    assert problem(ask("GET", CALLS, zone=zone)) == (503, "unavailable")
    assert problem(ask("GET", NOTICES, zone=zone)) == (503, "unavailable")


class Client:
    """A reader of the notice stream that goes away when it is told to."""

    def __init__(self) -> None:
        self.gone = asyncio.Event()
        self.lines: asyncio.Queue[bytes] = asyncio.Queue()
        self.status = 0
        self.ended = False

    async def receive(self) -> Mapping[str, object]:
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Mapping[str, object]) -> None:
        if message["type"] == "http.response.start":
            assert isinstance(message["status"], int)
            self.status = message["status"]
            return
        body = message["body"]
        assert isinstance(body, bytes)
        if body:
            assert body.count(b"\n") == 1
            self.lines.put_nowait(body)
        self.ended = not message.get("more_body", False)


def test_a_silent_stream_pings_and_loses_nothing() -> None:
    async def story() -> None:
        zone, client = FakeSecureZone(), Client()
        serving = asyncio.create_task(stream_notices(zone, client.receive, client.send, ping_interval_s=0.01))
        for _ in range(3):
            assert NOTICE.validate_json(await client.lines.get()) == Ping()
        call = zone.ring()
        while (notice := NOTICE.validate_json(await client.lines.get())) == Ping():
            pass
        assert notice == CallChanged(call=call)
        client.gone.set()
        await serving
        assert (client.status, client.ended) == (200, False)
        assert zone._listeners == []

    asyncio.run(story())


def test_a_stream_that_the_zone_cuts_ends() -> None:
    async def story() -> None:
        zone, client = FakeSecureZone(), Client()
        zone.ring()
        serving = asyncio.create_task(stream_notices(zone, client.receive, client.send))
        await client.lines.get()
        zone.unreachable = True
        await serving
        assert client.ended

    asyncio.run(story())
