"""A request's JSON as a message of the boundary. What is wrong with it is said by field and rule, never by its content."""

from typing import Final, TypeVar

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from tonevault.boundary.message import Message
from tonevault.boundary.problems import SecureZoneError

M = TypeVar("M", bound=Message)

MAX_FAULTS: Final = 5
"""Faults named in one answer: enough to mend a request, too few to make answers long."""


def parse(kind: type[M], body: bytes) -> M:
    """Read a message. Raises SecureZoneError `invalid_request`."""
    try:
        return kind.model_validate_json(body)
    except ValidationError as error:
        faults = error.errors(include_url=False, include_context=False, include_input=False)
        detail = "; ".join(_say(fault) for fault in faults[:MAX_FAULTS])
    # Raised outside the handler: the validation error, which saw the input, must not travel with ours.
    raise SecureZoneError(422, "invalid_request", detail)


def _say(fault: ErrorDetails) -> str:
    if fault["type"] == "extra_forbidden":
        # The field's name is the sender's own text, and could be anything.
        return "body: holds a field that this message does not have"
    where = ".".join(str(part) for part in fault["loc"]) or "body"
    return f"{where}: {fault['msg']}"
