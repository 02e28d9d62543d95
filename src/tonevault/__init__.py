"""Tonevault: card payments on live calls, without a card digit reaching the contact centre."""

__version__ = "0.1.0"
