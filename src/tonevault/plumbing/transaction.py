"""What a transaction carries beside its statements: rows deferred to its end, which are written once for all its works."""

from collections.abc import Iterable, Sequence
from typing import Any, Final, Protocol, TypeVar

from sqlalchemy import Connection

_KEY: Final = "tonevault.transaction"


class AtCommit(Protocol):
    """Writes what was deferred to it: one object a kind of row and database, made without arguments unless registered."""

    def write(self, connection: Connection, writer: str, rows: Sequence[Any]) -> None:
        """Write the rows, in their order, as the last statements before the commit. May run again after a conflict."""

    def committed(self, writer: str) -> None:
        """The transaction in which `write` ran last for this writer is durable."""


E = TypeVar("E", bound=AtCommit)
Endings = dict[type[AtCommit], AtCommit]
"""The objects of one database, shared by its transactions."""


class Transaction:
    """One running transaction of `Database.transact`."""

    def __init__(self, writer: str, endings: Endings) -> None:
        """`writer` names the connection among those of its database: at most one transaction of a writer runs at a time."""
        self.writer: Final = writer
        self._endings = endings
        self._rows: list[tuple[AtCommit, Any]] = []
        self._written: list[AtCommit] = []

    def defer(self, kind: type[E], row: Any) -> None:  # noqa: ANN401 - rows are the affair of their kind
        """Have `kind` write this row at the end; forgotten when the work that defers it fails."""
        self.defer_all(kind, (row,))

    def defer_all(self, kind: type[E], rows: Iterable[Any]) -> None:
        """`defer` for several rows, in their order."""
        ending = self._endings.get(kind)
        if ending is None:
            ending = self._endings.setdefault(kind, kind())
        self._rows.extend([(ending, row) for row in rows])

    def mark(self) -> int:
        """Where the deferred rows stand; see `forget`."""
        return len(self._rows)

    def forget(self, mark: int) -> None:
        """Drop what was deferred since `mark`: its savepoint was rolled back."""
        del self._rows[mark:]

    def write_deferred(self, connection: Connection) -> None:
        """Write everything that was deferred, each kind at once."""
        by_ending: dict[int, tuple[AtCommit, list[Any]]] = {}
        for ending, row in self._rows:
            by_ending.setdefault(id(ending), (ending, []))[1].append(row)
        for ending, rows in by_ending.values():
            ending.write(connection, self.writer, rows)
            self._written.append(ending)

    def committed(self) -> None:
        """Tell whoever wrote that it is durable."""
        for ending in self._written:
            ending.committed(self.writer)

    def begin(self, connection: Connection) -> None:
        """Make this the connection's transaction."""
        connection.info[_KEY] = self

    def end(self, connection: Connection) -> None:
        """The connection carries no transaction any more."""
        if not connection.closed and not connection.invalidated:
            connection.info.pop(_KEY, None)


def transaction_of(connection: Connection) -> Transaction:
    """The transaction that a work runs in. Raises RuntimeError where there is none, as in a read: nothing would be kept."""
    found = connection.info.get(_KEY)
    if not isinstance(found, Transaction):
        raise RuntimeError("rows can be deferred within Database.transact alone")  # noqa: TRY004 - not a type error of the caller
    return found
