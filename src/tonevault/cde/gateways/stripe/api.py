"""The SDK's calls that the adapter makes, typed: parameters in, views out. Never retries what it does not know to be safe."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import datetime
from functools import partial
from typing import Final, TypeVar

import stripe
from pydantic import ValidationError
from stripe.params import (
    PaymentIntentCancelParams,
    PaymentIntentCaptureParams,
    PaymentIntentConfirmParams,
    PaymentIntentCreateParams,
    PaymentMethodCreateParams,
    RefundCreateParams,
    SetupIntentConfirmParams,
    SetupIntentCreateParams,
)

from tonevault.cde.gateways.stripe.line import SilenceError, StripeLine, UnsentError
from tonevault.cde.gateways.stripe.views import Event, Intent, Refund, View

IN_USE_PAUSES_S: Final = (0.1, 0.2, 0.4, 0.8, 1.6)
"""Between tries while another request under the same key is at work: the key makes the repetition safe."""
AT_ONCE_S: Final = 2.0
"""A connection that breaks does so within this; whoever has been silent for longer is not waited for twice."""
PAGE: Final = 100
"""The most that Stripe lists at once."""

T = TypeVar("T")
V = TypeVar("V", bound=View)


class StripeApi:
    """One merchant's Stripe. Methods raise `stripe.StripeError`; an answer that cannot be read is a SilenceError."""

    def __init__(
        self,
        secret_key: str,
        line: StripeLine,
        base_url: str | None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        # Telemetry would send the duration of the last request along with the next one.
        stripe.enable_telemetry = False
        self._line = line
        self._sleep = sleep
        self._v1 = stripe.StripeClient(
            secret_key,
            base_addresses={"api": base_url} if base_url else {},
            http_client=line,
            max_network_retries=0,
        ).v1

    async def open(self, key: str, params: PaymentIntentCreateParams) -> str:
        """Open a PaymentIntent, or find the one that was opened under this key; its id."""
        call = partial(self._v1.payment_intents.create_async, params, {"idempotency_key": key})
        return _read(Intent, await self._prepared(call)).id

    async def open_verification(self, key: str, params: SetupIntentCreateParams) -> str:
        """Open a SetupIntent, or find the one that was opened under this key; its id."""
        call = partial(self._v1.setup_intents.create_async, params, {"idempotency_key": key})
        return _read(Intent, await self._prepared(call)).id

    async def hand_over(self, key: str, params: PaymentMethodCreateParams) -> str:
        """Hand a card over; the id of the payment method."""
        call = partial(self._v1.payment_methods.create_async, params, {"idempotency_key": key})
        return (await self._prepared(call)).id

    async def confirm(self, key: str, intent_id: str, params: PaymentIntentConfirmParams) -> Intent:
        """Make the payment."""
        call = partial(self._v1.payment_intents.confirm_async, intent_id, params, {"idempotency_key": key})
        return _read(Intent, await self._in_turn(call))

    async def confirm_verification(
        self, key: str, intent_id: str, params: SetupIntentConfirmParams
    ) -> Intent:
        """Make the verification."""
        call = partial(self._v1.setup_intents.confirm_async, intent_id, params, {"idempotency_key": key})
        return _read(Intent, await self._in_turn(call))

    async def capture(self, key: str, intent_id: str, params: PaymentIntentCaptureParams) -> Intent:
        """Take held money."""
        call = partial(self._v1.payment_intents.capture_async, intent_id, params, {"idempotency_key": key})
        return _read(Intent, await self._in_turn(call))

    async def cancel(self, key: str | None, intent_id: str, params: PaymentIntentCancelParams) -> Intent:
        """End an intent: lets held money go, or makes sure that it is never confirmed."""
        options: stripe.RequestOptions = {"idempotency_key": key} if key else {}
        call = partial(self._v1.payment_intents.cancel_async, intent_id, params, options)
        return _read(Intent, await self._in_turn(call))

    async def refund(self, key: str, params: RefundCreateParams) -> Refund:
        """Give money back."""
        call = partial(self._v1.refunds.create_async, params, {"idempotency_key": key})
        return _read(Refund, await self._in_turn(call))

    async def intent(self, intent_id: str) -> Intent | None:
        """A PaymentIntent or SetupIntent as it is now; None where there is none."""
        try:
            if intent_id.startswith("seti_"):
                return _read(
                    Intent,
                    await self._v1.setup_intents.retrieve_async(intent_id, {"expand": ["latest_attempt"]}),
                )
            return _read(
                Intent,
                await self._v1.payment_intents.retrieve_async(intent_id, {"expand": ["latest_charge"]}),
            )
        except stripe.InvalidRequestError as error:
            if error.http_status == 404:
                return None
            raise

    async def refunds_of(self, intent_id: str) -> list[Refund]:
        """Every refund of a payment."""
        page = await self._v1.refunds.list_async({"payment_intent": intent_id, "limit": PAGE})
        return [_read(Refund, each) async for each in page.auto_paging_iter()]

    async def opened_between(self, since: datetime, until: datetime) -> AsyncIterator[Intent]:
        """PaymentIntents by the time that they were opened."""
        page = await self._v1.payment_intents.list_async(
            {
                "created": {"gte": int(since.timestamp()), "lt": int(until.timestamp()) + 1},
                "limit": PAGE,
                "expand": ["data.latest_charge"],
            }
        )
        async for each in page.auto_paging_iter():
            yield _read(Intent, each)

    async def events(self, types: Sequence[str], since: datetime, until: datetime) -> AsyncIterator[Event]:
        """What happened, the newest first. Stripe keeps events for 30 days."""
        page = await self._v1.events.list_async(
            {
                "types": list(types),
                "created": {"gte": int(since.timestamp()), "lt": int(until.timestamp()) + 1},
                "limit": PAGE,
            }
        )
        async for each in page.auto_paging_iter():
            yield _read(Event, each)

    async def ping(self) -> None:
        """A request that moves nothing and needs the key."""
        await self._v1.payment_intents.list_async({"limit": 1})

    async def close(self) -> None:
        """Release connections."""
        await self._line.close_async()

    async def _prepared(self, call: Callable[[], Awaitable[T]]) -> T:
        """Make a call that moves nothing; once more under the same key where the line broke at once."""
        clock = asyncio.get_running_loop().time
        began = clock()
        try:
            return await self._in_turn(call)
        except (UnsentError, SilenceError):
            if clock() - began > AT_ONCE_S:
                raise
        return await self._in_turn(call)

    async def _in_turn(self, call: Callable[[], Awaitable[T]]) -> T:
        """Make a call under a key, again while another one under it is at work."""
        for pause in IN_USE_PAUSES_S:
            try:
                return await call()
            except stripe.StripeError as error:
                if error.http_status != 409:
                    raise
            await self._sleep(pause)
        return await call()


def _read(view: type[V], answer: stripe.StripeObject) -> V:
    try:
        return view.model_validate(answer.to_dict())
    except ValidationError:
        raise SilenceError("the answer cannot be read") from None  # type: ignore[no-untyped-call]
