"""Braintree's errors, as the double answers them: HTTP statuses, and validation errors in XML."""

from typing import Final

from tonevault.testing.gateways.behaviour import FAULT_STATUSES, Fault
from tonevault.testing.gateways.braintree.markup import Value, render
from tonevault.testing.gateways.turn import Reply

XML: Final = "application/xml; charset=utf-8"


class RefusalError(Exception):
    """The request is answered with an error."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.status)
        self.reply = reply


def status(code: int) -> RefusalError:
    """An HTTP error, which Braintree answers without a body."""
    return RefusalError(Reply(code, b"", XML))


def invalid(code: str, attribute: str = "base") -> RefusalError:
    """A validation error on the transaction."""
    return refused(
        {}, [{"code": code, "attribute": attribute, "message": "The double refuses this request."}]
    )


def refused(more: dict[str, Value], errors: list[Value]) -> RefusalError:
    """422, with the transaction or verification that was declined, or with validation errors."""
    body = render(
        "api_error_response",
        {"errors": {"errors": [], "transaction": {"errors": errors}}, "message": "Refused.", **more},
    )
    return RefusalError(Reply(422, body, XML))


def of_fault(fault: Fault) -> RefusalError:
    """The refusal that a behaviour asks for."""
    if fault is Fault.GARBLED:
        return RefusalError(Reply(200, b"<html><body>An intermediary's page</body></html>", "text/html"))
    if fault is Fault.REFUSED:
        return invalid("91526")
    return status(FAULT_STATUSES[fault])
