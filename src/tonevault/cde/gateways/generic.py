"""The generic pay connector: any HTTPS endpoint as a gateway, by the JSON contract that Twilio's and Telnyx's connectors speak.

One URL takes `method: charge`; a repeated `transaction_id` must be recognised, so silence is met by repeating it. Two more
methods are Tonevault's own, used where the settings say that the endpoint has them: `status` and `refund`. docs/gateways.md.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from urllib.parse import urlsplit

from tonevault.cde.blanks import Blanks, Lent
from tonevault.cde.gateway import (
    Authorisation,
    Check,
    Code,
    Feature,
    GatewayAnswer,
    GatewayTraits,
    GatewayUnreachableError,
    Hint,
    Kind,
    Listed,
    Made,
    Verdict,
    WebhookRefusedError,
)
from tonevault.kernel.clock import Clock
from tonevault.kernel.ids import AccountId, Entropy
from tonevault.kernel.money import MINOR_DIGITS, Money
from tonevault.plumbing.entropy import SYSTEM_ENTROPY
from tonevault.plumbing.https_line import Body, HttpsLine, Reply, Silence

TIMEOUT_S: Final = 10.0
"""For one try: what connectors are told that their callers wait."""
TRIES: Final = 3
PAUSE_S: Final = 1.0
"""Between two tries, so that an endpoint that is restarting is met again."""
KEY_TTL_S: Final = 86_400.0
"""How long an endpoint must recognise a transaction_id."""
VISIBILITY_LAG_S: Final = 60.0
"""How long `status` may wrongly answer *not found*: our last try may still be under way."""
NOT_FOUND: Final = "not_found"
_CODES: Final = {each.value: each for each in Code}
UNSUPPORTED: Final = GatewayAnswer(Verdict.FAILED, code=Code.FEATURE_NOT_SUPPORTED)


@dataclass(frozen=True, slots=True)
class ConnectorAccess:
    """An endpoint: its URL, its Basic credentials, `parameters` that it is sent with each charge, and what it can do besides."""

    url: str
    username: str
    password: str = field(repr=False)
    parameters: Mapping[str, str] = field(default_factory=dict)
    has_status: bool = False
    has_refund: bool = False


class GenericConnector:
    """One merchant's endpoint."""

    def __init__(
        self,
        account_id: AccountId,
        access: ConnectorAccess,
        clock: Clock,
        *,
        timeout_s: float = TIMEOUT_S,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        entropy: Entropy = SYSTEM_ENTROPY,
    ) -> None:
        """Raises ValueError for a `url` that is neither HTTPS nor on this machine."""
        self._account_id = account_id
        self._access = access
        self._clock = clock
        self._sleep = sleep
        parts = urlsplit(access.url)
        self._line = HttpsLine(
            f"{parts.scheme}://{parts.netloc}",
            timeout_s=timeout_s,
            headers={"Content-Type": "application/json"},
            auth=(access.username, access.password),
        )
        self._path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self._blanks = Blanks(entropy)
        features = {Feature.REFUND, Feature.PARTIAL_REFUND} if access.has_refund else set()
        self._traits = GatewayTraits("generic", True, KEY_TTL_S, VISIBILITY_LAG_S, frozenset(features))

    @property
    def traits(self) -> GatewayTraits:
        """Idempotent by `transaction_id`, as the contract demands of every endpoint."""
        return self._traits

    async def authorise(self, request: Authorisation) -> GatewayAnswer:
        """`method: charge`, repeated under the same `transaction_id` while there is silence."""
        if request.account_id != self._account_id:
            return GatewayAnswer(Verdict.FAILED, code=Code.GATEWAY_MISCONFIGURED)
        if not request.terms.take_now:
            return UNSUPPORTED
        with self._blanks.lent(request.card.number, request.card.security_code) as card:
            text = json.dumps(self._charge(request, card)).encode()
            reply = await self._ask(lambda: self._blanks.body(text))
        postal_code = request.card.billing.postal_code is not None
        return _read(
            reply,
            Check.NOT_GIVEN if request.card.security_code is None else Check.UNAVAILABLE,
            Check.UNAVAILABLE if postal_code else Check.NOT_GIVEN,
        )

    async def verify(self, request: Authorisation) -> GatewayAnswer:  # noqa: ARG002 - the port's signature
        """Connectors check no card without charging it."""
        return UNSUPPORTED

    async def follow_up(self, made: Made) -> GatewayAnswer:
        """`method: refund`, where the endpoint has it."""
        if made.kind is not Kind.REFUND or not self._access.has_refund or made.of is None:
            return UNSUPPORTED
        document = {
            "method": "refund",
            "transaction_id": made.reference,
            "original_transaction_id": made.of.reference,
            "charge_id": made.of.gateway_reference,
            **_amount(made.money),
        }
        text = json.dumps(document).encode()
        answer = _read(await self._ask(lambda: text))
        if answer.verdict is Verdict.DECLINED:
            return GatewayAnswer(Verdict.DECLINED, answer.gateway_reference, Code.NOT_REFUNDABLE)
        return answer

    async def look_up(self, made: Made) -> GatewayAnswer | None:
        """`method: status`; UNKNOWN for ever at an endpoint that has none, for then people must ask its keeper."""
        if made.account_id != self._account_id:
            return None
        if not self._access.has_status:
            return GatewayAnswer(Verdict.UNKNOWN)
        text = json.dumps({"method": "status", "transaction_id": made.reference}).encode()
        reply = await self._line.ask("POST", self._path, text)
        if isinstance(reply, Reply) and reply.status == 200 and reply.get("error_code") == NOT_FOUND:
            return None
        if isinstance(reply, Silence) or reply.status != 200:
            return GatewayAnswer(Verdict.UNKNOWN)
        return _read(reply)

    async def cancel(self, made: Made) -> GatewayAnswer:
        """Look; what is not found once our last try must have arrived was not made, and is never sent again."""
        found = await self.look_up(made)
        if found is not None:
            return found
        age = (self._clock.utc() - made.made_at).total_seconds()
        if age < self._traits.visibility_lag_s:
            return GatewayAnswer(Verdict.UNKNOWN)
        return GatewayAnswer(Verdict.FAILED, code=Code.CANCELED)

    def listed(
        self,
        account_id: AccountId,  # noqa: ARG002 - the port's signature, here and below
        since: datetime,  # noqa: ARG002
        until: datetime,  # noqa: ARG002
    ) -> AsyncIterator[Listed]:
        """The contract has no list. Raises GatewayUnreachableError."""
        raise GatewayUnreachableError

    def heard(
        self,
        headers: Mapping[str, str],  # noqa: ARG002
        body: bytes,  # noqa: ARG002
        now: datetime,  # noqa: ARG002
    ) -> tuple[Hint, ...]:
        """The contract has no webhooks. Raises WebhookRefusedError."""
        raise WebhookRefusedError("path: a generic connector sends no webhooks; nothing is heard here")

    async def close(self) -> None:
        """Close the connections."""
        await self._line.close()

    def _charge(self, request: Authorisation, card: Lent) -> dict[str, object]:
        expiry = request.card.expiry
        document: dict[str, object] = {
            "method": "charge",
            "transaction_id": request.reference,
            "cardnumber": card.number,
            "cvv": card.security_code or "",
            "expiry_month": f"{expiry.month:02d}",
            "expiry_year": f"{expiry.year % 100:02d}",
            "postal_code": request.card.billing.postal_code or "",
            "description": request.terms.description,
            "parameters": dict(self._access.parameters),
        }
        return document | _amount(request.money)

    async def _ask(self, body: Callable[[], Body | bytes]) -> Reply | Silence:
        """Try while nobody answers. One try that may have arrived makes the whole *no answer*, whatever the last one met."""
        sent = Silence.NOT_SENT
        for trial in range(TRIES):
            if trial:
                await self._sleep(PAUSE_S)
            reply = await self._line.ask("POST", self._path, body())
            if isinstance(reply, Reply) and reply.status < 500:
                return reply
            if reply is not Silence.NOT_SENT:
                sent = Silence.NO_ANSWER
        return sent


def _amount(money: Money) -> dict[str, object]:
    digits = MINOR_DIGITS[money.currency]
    whole, part = divmod(money.amount_minor, 10**digits)
    return {"amount": f"{whole}.{part:0{digits}d}" if digits else str(whole), "currency_code": money.currency}


def _read(
    reply: Reply | Silence, code_check: Check = Check.NOT_GIVEN, postal_check: Check = Check.NOT_GIVEN
) -> GatewayAnswer:
    """An answer of the contract: `charge_id` is an approval, `error_code` a decline; it is one of our codes or reads `do_not_honour`."""
    if reply is Silence.NOT_SENT:
        return GatewayAnswer(Verdict.FAILED, code=Code.PROCESSING_ERROR)
    if isinstance(reply, Silence):
        return GatewayAnswer(Verdict.UNKNOWN)
    if reply.status in (401, 403, 404):
        return GatewayAnswer(Verdict.FAILED, code=Code.GATEWAY_MISCONFIGURED)
    if reply.status >= 300:
        return GatewayAnswer(Verdict.FAILED, code=Code.PROCESSING_ERROR)
    error, reference = reply.get("error_code"), reply.get("charge_id")
    if error not in (None, ""):
        code = _CODES.get(str(error), Code.DO_NOT_HONOUR)
        if code is Code.REFERENCE_REUSED or code is Code.PROCESSING_ERROR:
            return GatewayAnswer(Verdict.FAILED, code=code)
        return GatewayAnswer(
            Verdict.DECLINED,
            str(reference) if reference else None,
            code,
            security_code_check=Check.FAILED if code is Code.INCORRECT_SECURITY_CODE else code_check,
            postal_code_check=Check.FAILED if code is Code.POSTAL_CODE_MISMATCH else postal_check,
        )
    if not isinstance(reference, str) or not reference:
        return GatewayAnswer(Verdict.UNKNOWN)
    return GatewayAnswer(
        Verdict.APPROVED, reference, security_code_check=code_check, postal_code_check=postal_check
    )
