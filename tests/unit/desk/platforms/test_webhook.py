"""The webhook platform: signed as Standard Webhooks says, short of patience, and clear about what failed."""

import asyncio
import base64
import hashlib
import hmac
import json
from datetime import timedelta

import httpx
import pytest
from tests.unit.desk.bench import ACME, START, BenchClock

from tonevault.desk.platform import PlatformError, RecordedCall
from tonevault.desk.platforms.none import NoPlatform
from tonevault.desk.platforms.webhook import WebhookPlatform, sign
from tonevault.kernel.ids import CallId, SessionId
from tonevault.plumbing.entropy import SYSTEM_ENTROPY

KEY = bytes(range(32))
SECRET = "whsec_" + base64.b64encode(KEY).decode()
CALL = RecordedCall(
    ACME, CallId("call_" + "a" * 28), SessionId("ps_" + "a" * 28), START + timedelta(minutes=30)
)


def platform(answer: httpx.Response | Exception, seen: list[httpx.Request]) -> WebhookPlatform:
    def respond(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        if isinstance(answer, Exception):
            raise answer
        return answer

    client = httpx.AsyncClient(transport=httpx.MockTransport(respond))
    return WebhookPlatform("https://pbx.example/hook", SECRET, BenchClock(), SYSTEM_ENTROPY, client)


def test_both_verbs_are_signed() -> None:
    async def play() -> None:
        seen: list[httpx.Request] = []
        hook = platform(httpx.Response(204), seen)
        await hook.pause_recording(CALL)
        await hook.resume_recording(CALL)
        await hook.close()
        assert [json.loads(each.content)["type"] for each in seen] == ["recording.pause", "recording.resume"]
        first = seen[0]
        assert json.loads(first.content)["data"] == {
            "account_id": "acme",
            "call_id": CALL.call_id,
            "session_id": CALL.session_id,
            "resume_by": "2027-03-01T12:30:00+00:00",
        }
        signed = b".".join(
            (
                first.headers["webhook-id"].encode(),
                str(int(START.timestamp())).encode(),
                first.content,
            )
        )
        expected = base64.b64encode(hmac.new(KEY, signed, hashlib.sha256).digest()).decode()
        assert first.headers["webhook-signature"] == f"v1,{expected}"
        assert seen[0].headers["webhook-id"] != seen[1].headers["webhook-id"]

    asyncio.run(play())


def test_the_signature_is_that_of_the_standard() -> None:
    # The example of the Standard Webhooks specification, "Verifying signatures".
    key = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    moment = START.fromtimestamp(1614265330, tz=START.tzinfo)
    headers = sign(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", moment, b'{"test": 2432232314}')
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@pytest.mark.parametrize("answer", [httpx.Response(500), httpx.Response(302), httpx.ConnectTimeout("slow")])
def test_what_is_not_2xx_is_a_failure(answer: httpx.Response | Exception) -> None:
    async def play() -> None:
        hook = platform(answer, [])
        with pytest.raises(PlatformError):
            await hook.pause_recording(CALL)
        await hook.close()

    asyncio.run(play())


@pytest.mark.parametrize("secret", ["", "secret", "whsec_YWJj"])
def test_a_weak_secret_is_refused(secret: str) -> None:
    with pytest.raises(ValueError, match="platform secret"):
        WebhookPlatform("https://pbx.example", secret, BenchClock(), SYSTEM_ENTROPY)


def test_no_platform_has_nothing_to_pause() -> None:
    async def play() -> None:
        nothing = NoPlatform()
        await nothing.pause_recording(CALL)
        await nothing.resume_recording(CALL)
        assert nothing.records is False

    asyncio.run(play())
