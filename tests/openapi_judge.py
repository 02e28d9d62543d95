"""Whether an answer is what the OpenAPI document says: status, media type, every member, and none besides. Knows what FastAPI writes."""

import re
from datetime import datetime
from typing import Any

import httpx

Json = dict[str, Any]


class UntrueError(AssertionError):
    """The document and the answer differ."""


class Judge:
    """Of one document. `seen` holds the operations that an answer of success was judged of."""

    def __init__(self, document: Json) -> None:
        self._document = document
        self.seen: set[tuple[str, str]] = set()
        self._paths = [
            (re.compile(re.sub(r"\{[a-z_]+\}", r"[^/]+", path)), path) for path in document["paths"]
        ]

    def operations(self) -> set[tuple[str, str]]:
        """Method and path of all there are."""
        return {(method, path) for path, methods in self._document["paths"].items() for method in methods}

    def judge(self, response: httpx.Response) -> httpx.Response:
        """The response itself. Raises UntrueError."""
        method = response.request.method.lower()
        path = next(
            (path for pattern, path in self._paths if pattern.fullmatch(response.request.url.path)), None
        )
        if path is None or method not in self._document["paths"][path]:
            return response
        told = self._document["paths"][path][method]["responses"]
        declared = told.get(str(response.status_code)) or (told.get("default") if response.is_error else None)
        if declared is None:
            raise UntrueError(f"{method} {path}: {response.status_code} is not declared")
        media = response.headers.get("content-type", "").split(";")[0]
        if media not in declared.get("content", {}):
            raise UntrueError(f"{method} {path}: {response.status_code} is {media}")
        self._match(declared["content"][media].get("schema", {}), response.json(), f"{method} {path}")
        if response.is_success:
            self.seen.add((method, path))
        return response

    def _match(self, schema: Json, value: object, at: str) -> None:
        if "$ref" in schema:
            name = schema["$ref"].rpartition("/")[2]
            self._match(self._document["components"]["schemas"][name], value, at)
        for each in schema.get("allOf", ()):
            self._match(each, value, at)
        choices = schema.get("anyOf") or schema.get("oneOf")
        if choices:
            self._match_one(choices, value, at)
        if "enum" in schema and value not in schema["enum"]:
            raise UntrueError(f"{at}: not of the enumeration")
        if "const" in schema and value != schema["const"]:
            raise UntrueError(f"{at}: not the constant")
        if "type" in schema:
            self._match_type(schema, value, at)

    def _match_one(self, choices: list[Json], value: object, at: str) -> None:
        faults = []
        for each in choices:
            try:
                self._match(each, value, at)
            except UntrueError as fault:
                faults.append(str(fault))
            else:
                return
        raise UntrueError("; ".join(faults))

    def _match_type(self, schema: Json, value: object, at: str) -> None:
        kinds: dict[str, type | tuple[type, ...]] = {
            "object": dict,
            "array": list,
            "string": str,
            "integer": int,
            "number": (int, float),
            "boolean": bool,
            "null": type(None),
        }
        kind = schema["type"]
        if not isinstance(value, kinds[kind]) or (kind in ("integer", "number") and isinstance(value, bool)):
            raise UntrueError(f"{at}: is {type(value).__name__}, not {kind}")
        match value:
            case dict():
                self._match_members(schema, value, at)
            case list():
                for number, each in enumerate(value):
                    self._match(schema.get("items", {}), each, f"{at}[{number}]")
            case str():
                self._match_text(schema, value, at)
            case int() | float():
                if value < schema.get("minimum", value) or value > schema.get("maximum", value):
                    raise UntrueError(f"{at}: out of bounds")

    def _match_members(self, schema: Json, value: Json, at: str) -> None:
        known = schema.get("properties", {})
        if missing := set(schema.get("required", ())) - set(value):
            raise UntrueError(f"{at}: lacks {sorted(missing)}")
        others = schema.get("additionalProperties", not known)
        if not others and (more := set(value) - set(known)):
            raise UntrueError(f"{at}: has {sorted(more)} besides")
        for name, each in value.items():
            if name in known:
                self._match(known[name], each, f"{at}.{name}")
            elif isinstance(others, dict):
                self._match(others, each, f"{at}.{name}")

    @staticmethod
    def _match_text(schema: Json, value: str, at: str) -> None:
        if "pattern" in schema and not re.search(schema["pattern"], value):
            raise UntrueError(f"{at}: not of the pattern")
        if schema.get("format") == "date-time":
            datetime.fromisoformat(value)
        if not schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", len(value)):
            raise UntrueError(f"{at}: too long or too short")
