"""What the capture side can ask of a call in vain."""


class EdgeError(Exception):
    """Root of this folder's faults."""


class CallNotLiveError(EdgeError):
    """The call is unknown, over, or not answered yet: no capture can be opened on it."""

    def __init__(self) -> None:
        super().__init__("the call is not live: it has ended or is not answered yet")
