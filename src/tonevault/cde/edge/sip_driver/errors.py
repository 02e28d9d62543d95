"""The faults of the SIP sockets. Each names the listener or the file, and the way out."""


class DriverError(Exception):
    """Base of the driver's faults."""


class ListenerError(DriverError):
    """A listener cannot be understood, bound, or is missing."""


class TlsConfigurationError(DriverError):
    """A certificate, key or authority file cannot be used."""
