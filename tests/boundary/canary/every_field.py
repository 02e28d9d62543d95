"""Every field of every request that the API describes, spoiled one at a time: a new route is searched from its first day on."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from tests.boundary.address import NOTHING, filled, filled_with

_METHODS: Final = ("get", "post", "patch", "put", "delete")
_ID: Final = re.compile(r"\^(\w+)_\[a-z\]\{28\}\$")
_KNOWN: Final = {"^[A-Z]{3}$": "GBP"}

Request = tuple[str, str, dict[str, Any]]
"""Method, path, and what httpx takes besides."""


def spoiled_requests(document: Mapping[str, Any], number: str) -> Iterator[Request]:
    """Requests by the OpenAPI document, each with the number in one place: a path, a query, a field, an unknown field."""
    spoil = _Spoil(document, number)
    for path, methods in document["paths"].items():
        for method in _METHODS:
            if (operation := methods.get(method)) is None:
                continue
            verb = method.upper()
            if "{" in path:
                yield verb, filled_with(path, number), {}
            for parameter in operation.get("parameters", ()):
                if parameter["in"] == "query":
                    yield verb, filled(path), {"params": {parameter["name"]: number}}
            content = operation.get("requestBody", {}).get("content", {}).get("application/json")
            for body in spoil.spoiled(content["schema"]) if content else ():
                yield verb, filled(path), {"json": body}


class _Spoil:
    """JSON by schema: good as far as a schema tells, and with one leaf spoiled."""

    def __init__(self, document: Mapping[str, Any], number: str) -> None:
        self._document = document
        self._number = number

    def spoiled(self, schema: Mapping[str, Any]) -> Iterator[object]:
        """Every way to spoil one leaf."""
        schema = self._resolved(schema)
        match schema.get("type"):
            case "object":
                good = self._sample(schema)
                assert isinstance(good, dict)
                for name, of in schema.get("properties", {}).items():
                    yield from (good | {name: bad} for bad in self.spoiled(of))
                yield good | {self._number: self._number}
            case "array":
                good = self._sample(schema)
                assert isinstance(good, list)
                yield from ([bad, *good[1:]] for bad in self.spoiled(schema["items"]))
                yield self._number
            case _:
                yield self._number
                yield int(self._number)
                yield {"card": self._number}

    def _sample(self, schema: Mapping[str, Any]) -> object:
        schema = self._resolved(schema)
        if "enum" in schema:
            return schema["enum"][0]
        match schema.get("type"):
            case "object":
                fields = schema.get("properties", {})
                return {name: self._sample(fields[name]) for name in schema.get("required", ())}
            case "array":
                return [self._sample(schema["items"])] * max(1, schema.get("minItems", 1))
            case "integer" | "number":
                return schema.get("minimum", 1)
            case "boolean":
                return True
            case _:
                return _text(schema)

    def _resolved(self, schema: Mapping[str, Any]) -> Mapping[str, Any]:
        """Without references, and of alternatives the first that is not null."""
        while True:
            if "$ref" in schema:
                name = schema["$ref"].rpartition("/")[2]
                schema = self._document["components"]["schemas"][name]
            elif "anyOf" in schema:
                schema = next(each for each in schema["anyOf"] if each.get("type") != "null")
            else:
                return schema


def _text(schema: Mapping[str, Any]) -> str:
    if schema.get("format") == "date-time":
        return "2027-01-01T00:00:00Z"
    pattern = schema.get("pattern", "")
    found = _ID.fullmatch(pattern)
    return f"{found[1]}_{NOTHING}" if found else _KNOWN.get(pattern, "Ann")
