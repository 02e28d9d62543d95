"""The one exception of the peers: a peer is missing, died, or did not do in time what the test asked for."""


class PeerError(AssertionError):
    """A test's peer failed; its message carries the masked tail of the peer's log and never a digit."""
