"""Braintree as an adapter of the gateway port, through the official SDK, which never gets a card digit."""

from tonevault.cde.gateways.braintree.adapter import BraintreeGateway
from tonevault.cde.gateways.braintree.api import BraintreeAccess

__all__ = ["BraintreeAccess", "BraintreeGateway"]
