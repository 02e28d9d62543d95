"""A double of Stripe: payment methods, PaymentIntents, SetupIntents, refunds, events and signed webhooks, with idempotency keys."""

from tonevault.testing.gateways.stripe.webhooks import event_body, signature_header
from tonevault.testing.gateways.stripe.wire import StripeWire

__all__ = ["StripeWire", "event_body", "signature_header"]
