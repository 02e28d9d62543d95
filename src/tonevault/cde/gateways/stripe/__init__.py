"""Stripe as an adapter of the gateway port: PaymentIntents through the official SDK, which never gets a card digit."""

from tonevault.cde.gateways.stripe.adapter import StripeGateway

__all__ = ["StripeGateway"]
