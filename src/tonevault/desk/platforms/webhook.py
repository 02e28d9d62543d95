"""A platform behind a signed webhook: one POST to pause, one to resume, signed as Standard Webhooks 1.0 says."""

import base64
import hashlib
import hmac
import json
from datetime import datetime
from typing import Final

import httpx

from tonevault.desk.platform import PlatformError, RecordedCall
from tonevault.kernel.clock import Clock, epoch_ms
from tonevault.kernel.ids import Entropy, make_id

TIMEOUT_S: Final = 2.0
"""The agent waits for the pause before the first field opens."""
SECRET_PREFIX: Final = "whsec_"  # noqa: S105 - the mark of such secrets
MIN_SECRET_BYTES: Final = 24
"""Standard Webhooks 1.0: secrets have 24 to 64 bytes."""


class WebhookPlatform:
    """Implements Platform. `secret` is `whsec_` and base64, shared with the receiver; `url` is the operator's own setting."""

    def __init__(
        self, url: str, secret: str, clock: Clock, entropy: Entropy, client: httpx.AsyncClient | None = None
    ) -> None:
        self._url = url
        self._key = _key(secret)
        self._clock = clock
        self._entropy = entropy
        self._client = client or httpx.AsyncClient(timeout=TIMEOUT_S, follow_redirects=False)

    @property
    def records(self) -> bool:
        """The receiver says what it records; here it is taken to."""
        return True

    async def pause_recording(self, call: RecordedCall) -> None:
        """Send `recording.pause`."""
        await self._send("recording.pause", call)

    async def resume_recording(self, call: RecordedCall) -> None:
        """Send `recording.resume`."""
        await self._send("recording.resume", call)

    async def close(self) -> None:
        """Release the connections."""
        await self._client.aclose()

    async def _send(self, kind: str, call: RecordedCall) -> None:
        now = self._clock.utc()
        body = json.dumps(
            {
                "type": kind,
                "timestamp": now.isoformat(),
                "data": {
                    "account_id": call.account_id,
                    "call_id": call.call_id,
                    "session_id": call.session_id,
                    "resume_by": call.resume_by.isoformat(),
                },
            }
        ).encode()
        message_id = make_id("msg", epoch_ms(now), self._entropy)
        headers = {"content-type": "application/json", **sign(self._key, message_id, now, body)}
        try:
            answer = await self._client.post(self._url, content=body, headers=headers)
        except httpx.HTTPError as error:
            raise PlatformError(f"the platform's webhook did not answer ({type(error).__name__})") from None
        if not answer.is_success:
            raise PlatformError(f"the platform's webhook answered {answer.status_code}")


def sign(key: bytes, message_id: str, moment: datetime, body: bytes) -> dict[str, str]:
    """The three headers of Standard Webhooks: id, timestamp in seconds, and `v1,` with the HMAC-SHA-256 in base64."""
    seconds = str(int(moment.timestamp()))
    signed = b".".join((message_id.encode(), seconds.encode(), body))
    mac = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    return {"webhook-id": message_id, "webhook-timestamp": seconds, "webhook-signature": f"v1,{mac}"}


def _key(secret: str) -> bytes:
    if not secret.startswith(SECRET_PREFIX):
        raise ValueError("platform secret: must begin with whsec_ (Standard Webhooks)")
    key = base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    if len(key) < MIN_SECRET_BYTES:
        raise ValueError("platform secret: must hold at least 24 bytes after whsec_, in base64")
    return key
