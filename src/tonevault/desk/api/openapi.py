"""The OpenAPI document: what FastAPI derives, with problem documents as the shape of every error."""

from typing import Any, Final

from fastapi import FastAPI

from tonevault.desk.web.problem import MEDIA_TYPE

SUMMARY: Final = (
    "Take card payments on live calls; the desk sees tokens, masked values and results, never a card digit."
)

PROBLEM: Final[dict[str, Any]] = {
    "type": "object",
    "title": "Problem",
    "description": "RFC 9457. `code` is stable; `detail` is for people. No member repeats the input.",
    "required": ["type", "title", "status", "detail", "code"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string"},
        "token_state": {"type": "string", "description": "With `token_not_chargeable`."},
        "replaced_by": {
            "type": "string",
            "description": "With `token_not_chargeable`: the token's successor.",
        },
        "schedule_state": {"type": "string", "description": "With `schedule_over`."},
        "required_scope": {"type": "string", "description": "With `permission_denied`."},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "rule", "detail"],
                "properties": {
                    "field": {"type": "string"},
                    "rule": {"type": "string"},
                    "detail": {"type": "string"},
                },
            },
        },
    },
}


def _is_said_to_be_required(parameter: dict[str, Any]) -> bool:
    return str(parameter.get("description", "")).startswith("Required.")


def describe(app: FastAPI) -> None:
    """Put our schema of errors in place of FastAPI's, which has a place for the input."""
    derived = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is not None:
            return app.openapi_schema
        document = derived()
        document["info"]["summary"] = SUMMARY
        schemas = document.get("components", {}).get("schemas", {})
        for name in ("HTTPValidationError", "ValidationError"):
            schemas.pop(name, None)
        schemas["Problem"] = PROBLEM
        body = {"content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}}
        for operations in document["paths"].values():
            for operation in operations.values():
                operation["responses"].pop("422", None)
                for parameter in operation.get("parameters", []):
                    parameter["required"] = parameter["required"] or _is_said_to_be_required(parameter)
                operation["responses"]["default"] = {"description": "A problem document.", **body}
        return document

    app.openapi = openapi  # type: ignore[method-assign]
