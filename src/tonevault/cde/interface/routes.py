"""Every address of the narrow interface, and what of the secure zone it reaches. What is not in this table does not exist."""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final

from tonevault.boundary.captures import CaptureRequest, CaptureRetry, FieldName
from tonevault.boundary.charges import ChargeRequest
from tonevault.boundary.interface import (
    CALL_LIST,
    CALLS,
    CAPTURES,
    CHARGES,
    HEALTH,
    NOTICES,
    OPERATIONS,
    PREFIX,
    RECONCILIATIONS,
    Health,
    HushRequest,
    from_letters,
)
from tonevault.boundary.operations import OperationRequest
from tonevault.boundary.problems import SecureZoneError
from tonevault.boundary.reconciliations import DIFFERENCES, ReconciliationRequest
from tonevault.boundary.secure_zone import SecureZone
from tonevault.cde.interface.parsing import parse
from tonevault.kernel.ids import (
    ACCOUNT_PATTERN,
    AccountId,
    CallId,
    ChargeId,
    OperationId,
    SessionId,
    TokenId,
)

Parts = Mapping[str, str]
Handler = Callable[[SecureZone, Parts, bytes], Awaitable[bytes]]
"""Takes the ids in the path and the body, gives the answer as JSON. Raises SecureZoneError."""


@dataclass(frozen=True, slots=True)
class Route:
    """One address: ids in it are letters only, so that no digit fits in a path. `answer` is None for the notice stream."""

    method: str
    pattern: re.Pattern[str]
    answer: Handler | None
    is_open: bool = False


async def _health(zone: SecureZone, parts: Parts, body: bytes) -> bytes:  # noqa: ARG001
    return Health().model_dump_json().encode()


async def _calls(zone: SecureZone, parts: Parts, body: bytes) -> bytes:  # noqa: ARG001
    return CALL_LIST.dump_json(await zone.calls())


async def _hush(zone: SecureZone, parts: Parts, body: bytes) -> bytes:
    request = parse(HushRequest, body)
    return (await zone.set_hush(CallId(parts["call"]), on=request.on)).model_dump_json().encode()


async def _open_capture(zone: SecureZone, parts: Parts, body: bytes) -> bytes:  # noqa: ARG001
    return (await zone.open_capture(parse(CaptureRequest, body))).model_dump_json().encode()


async def _capture(zone: SecureZone, parts: Parts, body: bytes) -> bytes:  # noqa: ARG001
    return (await zone.capture(SessionId(parts["session"]))).model_dump_json().encode()


async def _start_field(zone: SecureZone, parts: Parts, body: bytes) -> bytes:  # noqa: ARG001
    try:
        field = FieldName(parts["field"])
    except ValueError:
        known = ", ".join(FieldName)
        raise SecureZoneError(422, "field_unknown", f"field: must be one of {known}") from None
    return (await zone.start_field(SessionId(parts["session"]), field)).model_dump_json().encode()


async def _complete(zone: SecureZone, parts: Parts, body: bytes) -> bytes:  # noqa: ARG001
    return (await zone.complete(SessionId(parts["session"]))).model_dump_json().encode()


async def _retry(zone: SecureZone, parts: Parts, body: bytes) -> bytes:
    view = await zone.retry(SessionId(parts["session"]), parse(CaptureRetry, body))
    return view.model_dump_json().encode()


async def _operate(zone: SecureZone, parts: Parts, body: bytes) -> bytes:  # noqa: ARG001
    return (await zone.operate(parse(OperationRequest, body))).model_dump_json().encode()


async def _operation(zone: SecureZone, parts: Parts, body: bytes) -> bytes:  # noqa: ARG001
    done = await zone.operation(AccountId(parts["account"]), OperationId(parts["operation"]))
    return done.model_dump_json().encode()


async def _reconcile(zone: SecureZone, parts: Parts, body: bytes) -> bytes:  # noqa: ARG001
    return (await zone.reconcile(parse(ReconciliationRequest, body))).model_dump_json().encode()


async def _reconciliation(zone: SecureZone, parts: Parts, body: bytes) -> bytes:  # noqa: ARG001
    view = await zone.reconciliation(AccountId(parts["account"]), parts["reconciliation"])
    return view.model_dump_json().encode()


async def _differences(zone: SecureZone, parts: Parts, body: bytes) -> bytes:  # noqa: ARG001
    after = from_letters(parts["after"])
    return DIFFERENCES.dump_json(
        await zone.differences(AccountId(parts["account"]), parts["reconciliation"], after)
    )


async def _cancel(zone: SecureZone, parts: Parts, body: bytes) -> bytes:  # noqa: ARG001
    return (await zone.cancel(SessionId(parts["session"]))).model_dump_json().encode()


async def _charge(zone: SecureZone, parts: Parts, body: bytes) -> bytes:  # noqa: ARG001
    return (await zone.charge(parse(ChargeRequest, body))).model_dump_json().encode()


async def _charge_result(zone: SecureZone, parts: Parts, body: bytes) -> bytes:  # noqa: ARG001
    charge = await zone.charge_result(AccountId(parts["account"]), ChargeId(parts["charge"]))
    return charge.model_dump_json().encode()


async def _token(zone: SecureZone, parts: Parts, body: bytes) -> bytes:  # noqa: ARG001
    token = await zone.token(AccountId(parts["account"]), TokenId(parts["token"]))
    return token.model_dump_json().encode()


async def _revoke_token(zone: SecureZone, parts: Parts, body: bytes) -> bytes:  # noqa: ARG001
    token = await zone.revoke_token(AccountId(parts["account"]), TokenId(parts["token"]))
    return token.model_dump_json().encode()


_PARTS: Final = {
    "{account}": f"(?P<account>{ACCOUNT_PATTERN.strip('^$')})",
    "{call}": "(?P<call>call_[a-z]{28})",
    "{session}": "(?P<session>ps_[a-z]{28})",
    "{charge}": "(?P<charge>ch_[a-z]{28})",
    "{token}": "(?P<token>tok_[a-z]{28})",
    "{operation}": "(?P<operation>(?:cap|void|re)_[a-z]{28})",
    "{reconciliation}": "(?P<reconciliation>rec_[a-z]{28})",
    "{after}": "(?P<after>[a-j]{1,7})",
    "{field}": "(?P<field>[a-z_]{1,32})",
}


def _at(path: str) -> re.Pattern[str]:
    for name, pattern in _PARTS.items():
        path = path.replace(name, pattern)
    return re.compile(path)


ROUTES: Final = (
    Route("GET", _at(HEALTH), _health, is_open=True),
    Route("GET", _at(CALLS), _calls),
    Route("POST", _at(f"{CALLS}/{{call}}/hush"), _hush),
    Route("POST", _at(CAPTURES), _open_capture),
    Route("GET", _at(f"{CAPTURES}/{{session}}"), _capture),
    Route("POST", _at(f"{CAPTURES}/{{session}}/fields/{{field}}/start"), _start_field),
    Route("POST", _at(f"{CAPTURES}/{{session}}/complete"), _complete),
    Route("POST", _at(f"{CAPTURES}/{{session}}/retry"), _retry),
    Route("POST", _at(f"{CAPTURES}/{{session}}/cancel"), _cancel),
    Route("POST", _at(CHARGES), _charge),
    Route("GET", _at(f"{PREFIX}/accounts/{{account}}/charges/{{charge}}"), _charge_result),
    Route("POST", _at(OPERATIONS), _operate),
    Route("GET", _at(f"{PREFIX}/accounts/{{account}}/operations/{{operation}}"), _operation),
    Route("POST", _at(RECONCILIATIONS), _reconcile),
    Route("GET", _at(f"{PREFIX}/accounts/{{account}}/reconciliations/{{reconciliation}}"), _reconciliation),
    Route(
        "GET",
        _at(f"{PREFIX}/accounts/{{account}}/reconciliations/{{reconciliation}}/differences/{{after}}"),
        _differences,
    ),
    Route("GET", _at(f"{PREFIX}/accounts/{{account}}/tokens/{{token}}"), _token),
    Route("POST", _at(f"{PREFIX}/accounts/{{account}}/tokens/{{token}}/revoke"), _revoke_token),
    Route("GET", _at(NOTICES), None),
)


def find(method: str, path: str) -> tuple[Route, Parts]:
    """The route of a request. Raises SecureZoneError `not_found` or `method_not_allowed`."""
    there = False
    for route in ROUTES:
        match = route.pattern.fullmatch(path)
        if match is not None and route.method == method:
            return route, match.groupdict()
        there = there or match is not None
    if there:
        raise SecureZoneError(405, "method_not_allowed", "method: this address does not take it")
    raise SecureZoneError(
        404, "not_found", "path: nothing is at this address; ids are a prefix and 28 letters"
    )
