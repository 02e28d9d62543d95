"""Stripe's errors, as the double answers them."""

import json
from collections.abc import Mapping
from typing import Final

from tonevault.testing.gateways.behaviour import Fault
from tonevault.testing.gateways.turn import Reply

_FAULTS: Final[dict[Fault, tuple[int, str, str | None]]] = {
    Fault.RATE_LIMITED: (429, "invalid_request_error", "rate_limit"),
    Fault.CONFLICT: (409, "idempotency_error", "idempotency_key_in_use"),
    Fault.BROKEN: (500, "api_error", None),
    Fault.UNAVAILABLE: (503, "api_error", None),
    Fault.CREDENTIALS: (401, "invalid_request_error", "api_key_expired"),
    Fault.REFUSED: (400, "invalid_request_error", "charge_invalid_parameter"),
}


class RefusalError(Exception):
    """The request is answered with an error."""

    def __init__(
        self,
        status: int,
        kind: str,
        code: str | None = None,
        *,
        param: str | None = None,
        more: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(code or kind)
        self.status = status
        self.kind = kind
        self.code = code
        self.param = param
        self.more = more or {}

    def reply(self) -> Reply:
        """The error on the wire."""
        error: dict[str, object] = {"type": self.kind, "message": "The double refuses this request."}
        if self.code:
            error["code"] = self.code
        if self.param:
            error["param"] = self.param
        return Reply(self.status, json.dumps({"error": {**error, **self.more}}).encode())


def invalid(code: str | None = None, *, param: str | None = None, status: int = 400) -> RefusalError:
    """The request cannot be done as it is."""
    return RefusalError(status, "invalid_request_error", code, param=param)


def missing(what: str) -> RefusalError:
    """There is no such object."""
    return RefusalError(404, "invalid_request_error", "resource_missing", param=what)


def of_fault(fault: Fault) -> RefusalError | None:
    """The refusal that a behaviour asks for; None for an answer that is no JSON."""
    if fault is Fault.GARBLED:
        return None
    status, kind, code = _FAULTS[fault]
    return RefusalError(status, kind, code)
