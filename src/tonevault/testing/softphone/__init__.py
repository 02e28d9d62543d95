"""A telephone in software: it dials over SIP, speaks, keys digits by event, tone or INFO, and records what it hears."""

from tonevault.testing.softphone.call import KeyCarrier, PhoneCall
from tonevault.testing.softphone.phone import PhoneError, Softphone

__all__ = ["KeyCarrier", "PhoneCall", "PhoneError", "Softphone"]
