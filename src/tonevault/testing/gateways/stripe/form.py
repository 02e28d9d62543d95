"""Stripe's form encoding: `a[b][0]=c` becomes nested values. Refuses what is not of that shape."""

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qsl

Form = dict[str, "str | Form"]
"""Lists are tables whose names are `0`, `1`…, as they are on the wire."""

_PART: Final = re.compile(r"\[([^\[\]]*)\]")


def parse(encoded: str) -> Form:
    """The form as a tree. Raises ValueError for one name that is both a value and a table."""
    form: Form = {}
    for name, value in parse_qsl(encoded, keep_blank_values=True):
        head, *_ = name.partition("[")
        path = [head, *_PART.findall(name)]
        table = form
        for step in path[:-1]:
            inner = table.setdefault(step, {})
            if isinstance(inner, str):
                raise ValueError("a parameter is both a value and a table")  # noqa: TRY004 - the form's fault
            table = inner
        last = path[-1] or str(len(table))
        table[last] = value
    return form


def text(form: Form, *path: str) -> str | None:
    """A value below a path; None where there is none."""
    value: str | Form = form
    for step in path:
        if isinstance(value, str) or step not in value:
            return None
        value = value[step]
    return value if isinstance(value, str) else None


def table(form: Form, *path: str) -> Form:
    """A table below a path; empty where there is none."""
    value: str | Form = form
    for step in path:
        if isinstance(value, str) or step not in value:
            return {}
        value = value[step]
    return value if not isinstance(value, str) else {}


def values(form: Form, *path: str) -> list[str]:
    """The values of a list below a path."""
    return [each for each in table(form, *path).values() if isinstance(each, str)]


def strings(form: Form, *path: str) -> Mapping[str, str]:
    """The values of a table below a path, such as metadata."""
    return {name: each for name, each in table(form, *path).items() if isinstance(each, str)}
