"""The simulated gateway's webhooks: signed and dated as real ones are. Refuses what is not its own, too old, or not readable."""

import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from tonevault.cde.gateway import Hint, HintAbout, WebhookRefusedError

SIGNATURE_HEADER: Final = "simulator-signature"
TOLERANCE_S: Final = 300.0
"""How old a webhook may be: what Stripe and Standard Webhooks allow."""
_SIGNATURE: Final = re.compile(r"t=(\d{1,12}),v1=([0-9a-f]{64})")
_WORD: Final = re.compile(r"[A-Za-z_]{1,64}")


def write_webhook(secret: str, hint: Hint, now: datetime) -> tuple[dict[str, str], bytes]:
    """Headers and body of a webhook."""
    body = json.dumps(
        {
            "id": hint.event_id,
            "about": hint.about.value,
            "reference": hint.reference,
            "gateway_reference": hint.gateway_reference,
            "exp_month": hint.exp_month,
            "exp_year": hint.exp_year,
            "last4": hint.last4,
        }
    ).encode()
    at = int(now.timestamp())
    return {SIGNATURE_HEADER: f"t={at},v1={_sign(secret, at, body)}"}, body


def read_webhook(secret: str, headers: Mapping[str, str], body: bytes, now: datetime) -> tuple[Hint, ...]:
    """The hint of a webhook. Raises WebhookRefusedError."""
    signature = _SIGNATURE.fullmatch(headers.get(SIGNATURE_HEADER, ""))
    if signature is None:
        raise WebhookRefusedError(f"{SIGNATURE_HEADER}: must be t=SECONDS,v1=HEX")
    at = int(signature[1])
    if not hmac.compare_digest(signature[2], _sign(secret, at, body)):
        raise WebhookRefusedError(f"{SIGNATURE_HEADER}: is not this gateway's signature of the body")
    if abs(now.timestamp() - at) > TOLERANCE_S:
        raise WebhookRefusedError(
            f"{SIGNATURE_HEADER}: is older than {TOLERANCE_S:.0f} seconds; send it anew"
        )
    try:
        told = json.loads(body)
        return (
            Hint(
                event_id=_word(told["id"]) or "",
                about=HintAbout(told["about"]),
                reference=_word(told["reference"]),
                gateway_reference=_word(told["gateway_reference"]),
                exp_month=_number(told["exp_month"]),
                exp_year=_number(told["exp_year"]),
                last4=told["last4"] if re.fullmatch(r"\d{4}", str(told["last4"])) else None,
            ),
        )
    except (ValueError, KeyError, TypeError):
        pass
    # Raised outside the handler: the fault that saw the body must not travel with ours.
    raise WebhookRefusedError("body: is not an event of this gateway")


def _sign(secret: str, at: int, body: bytes) -> str:
    return hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()


def _word(value: object) -> str | None:
    if value is None:
        return None
    if isinstance(value, str) and _WORD.fullmatch(value):
        return value
    raise ValueError("must be a word")


def _number(value: object) -> int | None:
    if value is None or isinstance(value, int):
        return value
    raise ValueError("must be a number")
