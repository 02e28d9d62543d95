"""Problem documents (RFC 9457) for every refusal and fault of the API. None repeats its input, and none shows a traceback."""

from http import HTTPStatus
from typing import Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import JsonValue
from starlette.exceptions import HTTPException

from tonevault.desk.refusal import FieldFault, Refusal
from tonevault.desk.web.validation import refusal_of

MEDIA_TYPE: Final = "application/problem+json"
TYPE_PREFIX: Final = "urn:tonevault:problem:"

_OF_STATUS: Final = {
    400: (
        "bad_request",
        "The request or its body cannot be read; send JSON (RFC 8259) of a size and depth that is asked for.",
    ),
    404: ("not_found", "There is nothing at this address; /docs lists what there is."),
    405: (
        "method_not_allowed",
        "This address does not take this method; the Allow header lists those it takes.",
    ),
    413: ("body_too_large", "The body is larger than this server takes."),
    415: ("unsupported_media_type", "Send the body as application/json."),
}


class ProblemResponse(JSONResponse):
    """A JSON response under the media type of problem documents."""

    media_type = MEDIA_TYPE


def problem(refusal: Refusal) -> ProblemResponse:
    """The document of a refusal: type, title, status, detail, code, and `errors` where fields are at fault."""
    headers = {}
    if refusal.retry_after_s is not None:
        headers["Retry-After"] = str(refusal.retry_after_s)
    if refusal.status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"
    body: dict[str, JsonValue] = {
        "type": TYPE_PREFIX + refusal.code,
        "title": HTTPStatus(refusal.status).phrase,
        "status": refusal.status,
        "detail": refusal.detail,
        "code": refusal.code,
        **refusal.facts,
    }
    if refusal.errors:
        body["errors"] = [_fault(fault) for fault in refusal.errors]
    return ProblemResponse(body, status_code=refusal.status, headers=headers)


def _fault(fault: FieldFault) -> dict[str, JsonValue]:
    return {"field": fault.field, "rule": fault.rule, "detail": fault.detail}


async def _on_refusal(request: Request, error: Exception) -> ProblemResponse:  # noqa: ARG001
    if not isinstance(error, Refusal):
        raise TypeError("registered for refusals only")
    return problem(error)


async def _on_invalid(request: Request, error: Exception) -> ProblemResponse:  # noqa: ARG001
    if not isinstance(error, RequestValidationError):
        raise TypeError("registered for validation errors only")
    return problem(refusal_of(error.errors()))


async def _on_http(request: Request, error: Exception) -> ProblemResponse:  # noqa: ARG001
    if not isinstance(error, HTTPException):
        raise TypeError("registered for HTTP errors only")
    phrase = HTTPStatus(error.status_code).phrase
    code, detail = _OF_STATUS.get(error.status_code, (phrase.lower().replace(" ", "_"), f"{phrase}."))
    response = problem(Refusal(error.status_code, code, detail))
    response.headers.update(error.headers or {})
    return response


def install(app: FastAPI) -> None:
    """Put problem documents in place of every answer that FastAPI would make by itself; unforeseen faults end in api/fault_barrier."""
    app.add_exception_handler(Refusal, _on_refusal)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(HTTPException, _on_http)
