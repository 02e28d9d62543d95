"""`/docs` and `/openapi.json`: the reference rendered here, with nothing loaded from anywhere else and no script."""

from functools import cache
from pathlib import Path
from typing import Any, Final

from fastapi import APIRouter, FastAPI
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse
from jinja2 import Environment, FileSystemLoader, select_autoescape

_PAGES: Final = Path(__file__).parent / "pages"
_CSP: Final = (
    "default-src 'none'; style-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)


@cache
def _environment() -> Environment:
    return Environment(loader=FileSystemLoader(_PAGES), autoescape=select_autoescape(["html"]))


def _type_of(schema: dict[str, Any]) -> str:
    """A schema in a few words: `string or null`, `list of SessionField`."""
    if "$ref" in schema:
        name = str(schema["$ref"]).rpartition("/")[2]
        return f"page of {name[5:-1]}" if name.startswith("Page_") else name
    for key in ("anyOf", "oneOf"):
        if key in schema:
            return " or ".join(_type_of(part) for part in schema[key])
    if schema.get("type") == "array":
        items = schema.get("items") or {"type": "value"}
        return f"list of {_type_of(items)}"
    return str(schema.get("format") or schema.get("type") or "value")


def _operations(document: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Operations by tag, in the order of the document."""
    by_tag: dict[str, list[dict[str, Any]]] = {}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            entry = {
                "path": path,
                "method": method.upper(),
                "text": operation.get("description") or operation.get("summary", ""),
                "parameters": operation.get("parameters", []),
                "body": _json_schema(operation.get("requestBody", {})),
                "answers": {
                    status: _json_schema(answer) for status, answer in operation["responses"].items()
                },
            }
            by_tag.setdefault((operation.get("tags") or ["other"])[0], []).append(entry)
    return by_tag


def _json_schema(holder: dict[str, Any]) -> dict[str, Any] | None:
    content = holder.get("content", {})
    media: dict[str, Any] = next(iter(content.values()), {})
    schema: dict[str, Any] | None = media.get("schema")
    return schema or None


def render(document: dict[str, Any]) -> str:
    """The whole page."""
    return (
        _environment()
        .get_template("docs.html")
        .render(
            info=document["info"],
            groups=_operations(document),
            schemas=document["components"]["schemas"],
            type_of=_type_of,
        )
    )


def docs_routes(app: FastAPI) -> APIRouter:
    """Both documents and the page's style. They describe the product, not an account, and need no key."""
    router = APIRouter(include_in_schema=False)

    @cache
    def page() -> str:
        return render(app.openapi())

    @router.get("/openapi.json")
    async def get_openapi() -> JSONResponse:
        return JSONResponse(app.openapi())

    @router.get("/docs")
    async def get_docs() -> HTMLResponse:
        return HTMLResponse(page(), headers={"Content-Security-Policy": _CSP})

    @router.get("/docs/docs.css")
    async def get_style() -> FileResponse:
        return FileResponse(_PAGES / "docs.css", media_type="text/css")

    return router
