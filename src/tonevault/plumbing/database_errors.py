"""What goes wrong with a database as a whole. All are SQLAlchemyErrors, so that one handler knows a database that is away."""

from typing import Final

from sqlalchemy.exc import SQLAlchemyError

NESTED: Final = "a work may not wait for another of its database: it would wait for itself; use the connection that it is given"


class DatabaseBusyError(SQLAlchemyError):
    """So many works wait that another would only time out. Nothing of it was done."""

    def __init__(self) -> None:
        super().__init__("the database has too many transactions waiting; try again later")


class DatabaseClosedError(SQLAlchemyError):
    """The database was closed. Nothing of the work was done."""

    def __init__(self) -> None:
        super().__init__("the database was closed")


class DatabaseAwayError(SQLAlchemyError):
    """The server does not answer. Raised by the commit itself, it leaves open whether the commit came through."""
