"""From pydantic's errors to fields, rules and sentences of our own. Nothing of the input is taken over, not even a field's name."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from tonevault.desk.refusal import FieldFault, Refusal
from tonevault.desk.web.clean_text import CARD_DATA_REFUSED

MAX_FAULTS: Final = 20
"""More faults than a form has fields help nobody, and a hostile body could ask for thousands."""

_SENTENCES: Final[Mapping[str, tuple[str, str]]] = {
    "missing": ("required", "is required"),
    "extra_forbidden": (
        "unknown_field",
        "holds a field that this request does not have; see /docs for those it has",
    ),
    "string_too_long": ("max_length", "must have at most {max_length} characters"),
    "string_too_short": ("min_length", "must have at least {min_length} characters"),
    "string_pattern_mismatch": ("pattern", "is not of the form that this field takes; see /docs"),
    "string_type": ("type", "must be a string"),
    "int_type": ("type", "must be a whole number"),
    "int_from_float": ("type", "must be a whole number"),
    "int_parsing": ("type", "must be a whole number"),
    "int_parsing_size": ("type", "must be a smaller whole number"),
    "float_type": ("type", "must be a number"),
    "float_parsing": ("type", "must be a number"),
    "finite_number": ("type", "must be a finite number"),
    "bool_type": ("type", "must be true or false"),
    "bool_parsing": ("type", "must be true or false"),
    "list_type": ("type", "must be a list"),
    "tuple_type": ("type", "must be a list"),
    "model_type": ("type", "must be a JSON object"),
    "model_attributes_type": ("type", "must be a JSON object"),
    "dict_type": ("type", "must be a JSON object"),
    "json_invalid": ("json", "must be JSON (RFC 8259), sent with Content-Type: application/json"),
    "enum": ("enum", "must be {expected}"),
    "literal_error": ("enum", "must be {expected}"),
    "greater_than_equal": ("minimum", "must be at least {ge}"),
    "less_than_equal": ("maximum", "must be at most {le}"),
    "too_long": ("max_items", "must have at most {max_length} items"),
    "too_short": ("min_items", "must have at least {min_length} items"),
    CARD_DATA_REFUSED: (
        CARD_DATA_REFUSED,
        "looks like a card number and was not stored; have the customer key it on the phone instead",
    ),
}
_OTHERWISE: Final = ("invalid", "does not have the form that this field takes; see /docs")
_SAFE_FACTS: Final = frozenset({"max_length", "min_length", "ge", "le", "expected"})
"""What pydantic takes from the schema; every other fact may come from the input."""


def _field(location: Sequence[str | int], *, unknown_last: bool) -> str:
    """A dotted path such as `fields.2`. The last part of an unknown field's path is input, and is left out."""
    parts = [str(part) for part in (location[:-1] if unknown_last else location)]
    if len(parts) > 1 and parts[0] in ("body", "query", "path", "header", "cookie"):
        parts = parts[1:]
    return ".".join(parts)


def fault_of(error: Mapping[str, Any]) -> FieldFault:
    """One of `ValidationError.errors()` as a fault."""
    kind = str(error["type"])
    rule, sentence = _SENTENCES.get(kind, _OTHERWISE)
    facts = {name: value for name, value in error.get("ctx", {}).items() if name in _SAFE_FACTS}
    location = error["loc"]
    if kind == "json_invalid":
        # Its location ends in the byte where parsing stopped.
        location = location[:1]
    return FieldFault(
        field=_field(location, unknown_last=kind == "extra_forbidden"),
        rule=rule,
        detail=sentence.format(**facts),
    )


def refusal_of(errors: Sequence[Mapping[str, Any]]) -> Refusal:
    """All the faults of a request as one refusal; card data wins the code, whatever else is wrong."""
    faults = tuple(fault_of(error) for error in errors[:MAX_FAULTS])
    if any(error["type"] == CARD_DATA_REFUSED for error in errors):
        return Refusal(
            422,
            CARD_DATA_REFUSED,
            "A field holds what looks like a card number. Card data is never typed here; nothing was stored.",
            errors=faults,
        )
    named = ", ".join(dict.fromkeys(fault.field for fault in faults))
    return Refusal(
        422, "invalid_request", f"Not valid: {named}. Each is explained under `errors`.", errors=faults
    )
