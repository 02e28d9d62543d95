"""Addresses of the API with their places filled: by ids of the right form that stand for nothing."""

import re
from typing import Final

NOTHING: Final = "a" * 28
FILLED: Final = {
    "call_id": f"call_{NOTHING}",
    "session_id": f"ps_{NOTHING}",
    "customer_id": f"cus_{NOTHING}",
    "token_id": f"tok_{NOTHING}",
    "charge_id": f"ch_{NOTHING}",
    "event_id": f"ev_{NOTHING}",
    "key_id": f"key_{NOTHING}",
    "field": "card_number",
    "refund_id": f"re_{NOTHING}",
    "schedule_id": f"sch_{NOTHING}",
    "split_id": f"spl_{NOTHING}",
    "reconciliation_id": f"rec_{NOTHING}",
}


def filled(path: str) -> str:
    """A route's path as a request has it."""
    return re.sub(r"\{(\w+)(?::\w+)?\}", lambda match: FILLED[match[1]], path)


def filled_with(path: str, word: str) -> str:
    """The same with one word in every place."""
    return re.sub(r"\{\w+(?::\w+)?\}", word, path)
