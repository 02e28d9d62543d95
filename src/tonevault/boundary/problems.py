"""Refusals of the narrow interface: a stable code and a sentence with the way out. No message repeats its input."""

from tonevault.boundary.message import Message
from tonevault.boundary.text import Name


class Problem(Message):
    """The body of every answer that is not 2xx."""

    code: Name
    detail: str


class SecureZoneError(Exception):
    """The secure zone refused a command; `code` is stable, `detail` is for people, `status` an HTTP status code."""

    def __init__(self, status: int, code: str, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.status = status
        self.code = code
        self.detail = detail


class SecureZoneUnreachableError(Exception):
    """The secure zone does not answer. Whether the command was carried out is not known; ask again with the same ids."""
