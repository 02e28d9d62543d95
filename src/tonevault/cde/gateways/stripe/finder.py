"""Finds the intent of an attempt: by its id, by repeating what opened it, or, when Stripe has forgotten the key, in its lists."""

from datetime import timedelta
from typing import Final

import stripe

from tonevault.cde.gateway import Kind, Made
from tonevault.cde.gateways.stripe import forms
from tonevault.cde.gateways.stripe.amounts import to_stripe
from tonevault.cde.gateways.stripe.api import StripeApi
from tonevault.cde.gateways.stripe.views import Intent
from tonevault.kernel.clock import Clock

KEY_TTL_S: Final = 86_400.0
"""Stripe keeps keys for at least 24 hours."""
KEY_MARGIN: Final = timedelta(hours=1)
"""Nearer to the end of its life a key is not relied upon: clocks differ."""
LIST_MARGIN: Final = timedelta(minutes=10)
"""An attempt is looked for among intents opened so much before and after it was written down; never by Search, which lags."""


class Finder:
    """Looks for intents. Changes no money: an opening that never arrived is repeated, which leaves an intent without a card."""

    def __init__(self, api: StripeApi, clock: Clock) -> None:
        self._api = api
        self._clock = clock

    async def find(self, made: Made) -> Intent | None:
        """The intent of a payment or verification as it is now. Raises stripe.StripeError where Stripe cannot be asked."""
        if made.gateway_reference is not None:
            return await self._api.intent(made.gateway_reference)
        if self._clock.utc() - made.made_at < timedelta(seconds=KEY_TTL_S) - KEY_MARGIN:
            try:
                intent_id = await self._open_again(made)
            except stripe.IdempotencyError:
                # Opened by an older version of this adapter, or by another account: the key tells no more.
                intent_id = None
            if intent_id is not None:
                return await self._api.intent(intent_id)
        return await self._listed(made)

    async def id_of(self, made: Made) -> str | None:
        """The id alone."""
        found = await self.find(made)
        return found.id if found else None

    async def _open_again(self, made: Made) -> str | None:
        if made.kind is Kind.VERIFICATION:
            params = forms.verification_opening(made.account_id, made.reference)
            return await self._api.open_verification(made.reference, params)
        amount = to_stripe(made.money)
        if amount is None:
            return None
        return await self._api.open(made.reference, forms.opened_by(made, amount))

    async def _listed(self, made: Made) -> Intent | None:
        if made.kind is Kind.VERIFICATION:
            # It moved no money, and Stripe lists none by their time of making.
            return None
        marks = forms.marks(made.account_id, made.reference)
        async for intent in self._api.opened_between(made.made_at - LIST_MARGIN, made.made_at + LIST_MARGIN):
            if marks.items() <= intent.metadata.items():
                return intent
        return None
