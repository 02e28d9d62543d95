"""The faults of the SIP core. None of them repeats what came in: a header or a body may hold what nobody may read."""


class SipError(Exception):
    """Base of all faults of the SIP core."""


class SipParseError(SipError, ValueError):
    """A message, or a value in it, breaks the grammar. `header` is a name of ours (never text of the peer's), `rule` the broken rule.

    `status` is the response that RFC 3261 wants for a request with this fault: 400, or 505 for another SIP version.
    """

    def __init__(self, header: str, rule: str, *, status: int = 400) -> None:
        super().__init__(f"{header}: {rule}")
        self.header = header
        self.rule = rule
        self.status = status


class SipLimitError(SipError):
    """A named limit of ours was reached, and the request was not sent."""


class SipDialogError(SipError):
    """A message does not fit its dialog. `status` is the response to give: 481 or 500 (RFC 3261 section 12.2.2)."""

    def __init__(self, rule: str, *, status: int) -> None:
        super().__init__(rule)
        self.status = status
