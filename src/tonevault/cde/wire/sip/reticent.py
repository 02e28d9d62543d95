"""A base for values whose text must not slip into a log: `repr` and `str` show the type alone."""


class Reticent:
    """Shows its type and nothing else. The wire text has to be asked for by name (`text()` or `encode()`)."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"
