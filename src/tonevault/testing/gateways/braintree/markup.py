"""Braintree's XML: values with their types written beside them; names with dashes on the wire, underscores here."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final
from xml.etree import ElementTree as ET

Tree = dict[str, "str | list[str] | Tree"]
"""A request. Lists are lists of texts: ids and statuses."""
Value = str | int | bool | datetime | None | Mapping[str, "Value"] | Sequence["Value"]
"""What an answer is made of."""

MAX_DEPTH: Final = 8
"""No request nests deeper."""


def parse(body: bytes) -> Tree:
    """What stands in the root. Raises ValueError for what is no XML of that shape."""
    if not body:
        return {}
    if b"<!DOCTYPE" in body or b"<!ENTITY" in body:
        raise ValueError("the double takes no document types")
    try:
        root = ET.fromstring(body)  # noqa: S314 - document types, by which XML does harm, are refused above
    except ET.ParseError:
        raise ValueError("the body is not XML") from None
    tree = _read(root, 0)
    return tree if isinstance(tree, dict) else {}


def _read(element: ET.Element, depth: int) -> "str | list[str] | Tree":
    if depth > MAX_DEPTH:
        raise ValueError("the body nests too deep")
    if element.get("type") == "array":
        return [each.text or "" for each in element]
    if len(element) == 0:
        return element.text or ""
    return {_name(each): _read(each, depth + 1) for each in element}


def _name(element: ET.Element) -> str:
    return element.tag.replace("-", "_")


def render(name: str, value: Value) -> bytes:
    """An answer's document."""
    written: bytes = ET.tostring(_element(name, value), "utf-8", xml_declaration=True)
    return written


def _element(name: str, value: Value) -> ET.Element:
    element = ET.Element(name.replace("_", "-"))
    match value:
        case None:
            element.set("nil", "true")
        case bool():
            element.set("type", "boolean")
            element.text = str(value).lower()
        case int():
            element.set("type", "integer")
            element.text = str(value)
        case datetime():
            element.set("type", "datetime")
            element.text = value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        case str():
            element.text = value
        case Mapping():
            element.extend(_element(inner, each) for inner, each in value.items())
        case _:
            element.set("type", "array")
            element.extend(_element("item", each) for each in value)
    return element


def text(tree: Tree, *path: str) -> str | None:
    """A text below a path; None where there is none, or an empty one."""
    value: str | list[str] | Tree = tree
    for step in path:
        if not isinstance(value, dict) or step not in value:
            return None
        value = value[step]
    return value if isinstance(value, str) and value else None


def texts(tree: Tree, *path: str) -> list[str]:
    """A list of texts below a path."""
    value: str | list[str] | Tree = tree
    for step in path:
        if not isinstance(value, dict) or step not in value:
            return []
        value = value[step]
    return value if isinstance(value, list) else []
