"""A double of Braintree: sales, settlement, voids, refunds, verifications and searches as XML over gzip, and signed webhooks."""

from tonevault.testing.gateways.braintree.webhooks import webhook_form
from tonevault.testing.gateways.braintree.wire import BraintreeWire

__all__ = ["BraintreeWire", "webhook_form"]
