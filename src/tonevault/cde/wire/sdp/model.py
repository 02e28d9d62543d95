"""A session description as RFC 8866 writes it: typed where offer/answer must understand it, every other line kept as it came."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Line:
    """One `kind=value` line that needs no understanding here. Its value stays out of the repr: a peer wrote it."""

    kind: str
    value: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Origin:
    """`o=` (RFC 8866 section 5.2). `session_id` and `version` are numbers as written; `address` is of the family `IP4` or `IP6`."""

    username: str
    session_id: str
    version: str
    family: str
    address: str


@dataclass(frozen=True, slots=True)
class Connection:
    """`c=` (RFC 8866 section 5.7): the family `IP4` or `IP6`, and an address or a host name; a multicast suffix stays in `address`."""

    family: str
    address: str


@dataclass(frozen=True, slots=True)
class MediaDescription:
    """An `m=` line and what belongs to it. `port` 0 means a refused stream; `lines` are all lines but the first `c=`."""

    kind: str
    port: int
    protocol: str
    formats: tuple[str, ...]
    port_count: int = 1
    connection: Connection | None = None
    lines: tuple[Line, ...] = ()

    def attributes(self, name: str) -> tuple[str, ...]:
        """The values of every `a=name` of this stream, in order; a bare attribute has the empty value."""
        return attributes_of(self.lines, name)


@dataclass(frozen=True, slots=True)
class SessionDescription:
    """A whole description. `lines` are the session's lines besides `v=`, `o=`, `s=` and the first `c=`, in their order."""

    origin: Origin
    name: str = field(repr=False)
    connection: Connection | None = None
    lines: tuple[Line, ...] = (Line("t", "0 0"),)
    media: tuple[MediaDescription, ...] = ()

    def attributes(self, name: str) -> tuple[str, ...]:
        """The values of every session-level `a=name`, in order."""
        return attributes_of(self.lines, name)


def attributes_of(lines: tuple[Line, ...], name: str) -> tuple[str, ...]:
    """The values of `a=name` and `a=name:value` among some lines (RFC 8866 section 5.13; names are case-sensitive)."""
    found = []
    for line in lines:
        if line.kind == "a":
            key, _, value = line.value.partition(":")
            if key == name:
                found.append(value)
    return tuple(found)
