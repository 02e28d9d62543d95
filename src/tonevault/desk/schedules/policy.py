"""Whose clock on the wall a schedule keeps, unless it is told otherwise."""

from collections.abc import Callable

from tonevault.kernel.ids import AccountId

TimeZoneOf = Callable[[AccountId], str]
"""The time zone of an account (IANA), as the process's wiring reads it."""


def utc_everywhere(account_id: AccountId) -> str:  # noqa: ARG001 - of whoever has configured none
    """Universal time."""
    return "UTC"
