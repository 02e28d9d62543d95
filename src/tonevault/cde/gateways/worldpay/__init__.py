"""Worldpay: the Access Worldpay Payments and Payment Queries APIs as an adapter of the gateway port."""

from tonevault.cde.gateways.worldpay.adapter import WorldpayGateway as WorldpayGateway
from tonevault.cde.gateways.worldpay.settings import WorldpayAccess as WorldpayAccess
