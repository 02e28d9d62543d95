"""JSON of the desk's own values: dataclasses in, bytes or plain values out. Times are RFC 3339 in UTC."""

from typing import Any, Final

from pydantic import JsonValue, TypeAdapter

_ADAPTERS: Final[dict[type[Any], TypeAdapter[Any]]] = {}
"""One for each of the desk's own types; making one costs as much as a hundred uses."""


def _adapter(value: object) -> TypeAdapter[Any]:
    kind: type[Any] = type(value)
    adapter = _ADAPTERS.get(kind)
    if adapter is None:
        adapter = _ADAPTERS[kind] = TypeAdapter(kind)
    return adapter


def to_json(value: object) -> bytes:
    """The value as it goes over the wire."""
    return _adapter(value).dump_json(value)


def to_plain(value: object) -> dict[str, JsonValue]:
    """The same as dictionaries, lists and scalars, for the data of an event."""
    plain: dict[str, JsonValue] = _adapter(value).dump_python(value, mode="json")
    return plain
