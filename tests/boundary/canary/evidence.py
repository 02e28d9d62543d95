"""Everything that left the secure zone in a run, piece by piece and by kind, and what must not be in it."""

import contextlib
import re
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Final

from tests.boundary.canary.agent_leg import Heard
from tests.boundary.canary.cards import BY_GATEWAY, CANARIES, POSTED, STRAY, Canary
from tests.boundary.canary.memory import is_closed_to_its_user, read_memory
from tests.boundary.canary.search import Finding, Search, standalone
from tests.e2e.peers.browser_traffic import Exhibit

KEYED: Final = (*CANARIES, STRAY)
ALL: Final = (*KEYED, POSTED, BY_GATEWAY)


class Kind(Enum):
    """Where a piece is from, and which cards it is searched for: a client's own requests may hold what that client wrote."""

    LOG = ("logs of every process, at debug level", ALL)
    FILE = ("databases, their journals and every other file of both zones", ALL)
    ANSWER = ("what the desk answered over HTTP, live streams too", ALL)
    REQUEST = ("what clients asked the desk over HTTP", KEYED)
    ZONE = ("the narrow interface between the zones", ALL)
    SIP = ("SIP from the edge, towards customers and agents", ALL)
    MEDIA = ("RTP and RTCP from the relay, as bytes", ALL)
    BROWSER = ("what the agent's browser sent, kept and showed", KEYED)
    COMMAND = ("what the commands tones, doctor and keys print", ALL)
    RECORDING = ("recordings of the agents' phones, as bytes", ALL)

    def __init__(self, title: str, canaries: tuple[Canary, ...]) -> None:
        self.title = title
        self.canaries = canaries


BINARY: Final = frozenset({Kind.MEDIA, Kind.RECORDING})


@dataclass(frozen=True, slots=True)
class MemoryReport:
    """One process's memory at one moment, already searched."""

    process: str
    moment: str
    size: int
    findings: tuple[Finding, ...]
    is_closed: bool
    """Whether other processes of the same user are refused it."""
    core_limit: str
    """The kernel's word on how much of it a crash may write to disk."""


@dataclass(repr=False)
class Evidence:
    """What one run left. `add` as it comes, then ask for `findings`."""

    pieces: dict[Kind, list[Exhibit]] = field(default_factory=lambda: {kind: [] for kind in Kind})
    memory: list[MemoryReport] = field(default_factory=list)
    heard: list[Heard] = field(default_factory=list)
    keys_in_recordings: dict[str, int] = field(default_factory=dict)
    infos_to_agents: dict[str, int] = field(default_factory=dict)
    core_files: list[Path] = field(default_factory=list)
    exits: dict[tuple[str, ...], int] = field(default_factory=dict)
    """How the product's commands ended."""

    def add(self, kind: Kind, exhibits: Iterable[Exhibit]) -> None:
        """More pieces of a kind."""
        self.pieces[kind] += exhibits

    def size(self, kind: Kind) -> int:
        """Bytes of a kind: a proof that it was gathered at all."""
        return sum(len(one.content) for one in self.pieces[kind])

    def findings(self, kind: Kind, canaries: tuple[Canary, ...] = ()) -> list[Finding]:
        """Every trace of a card number: of those that the kind is searched for, or of others."""
        search = Search(canaries or kind.canaries)
        return [found for one in self.pieces[kind] for found in search.run(one.where, one.content)]

    def codes(self, kind: Kind, canaries: tuple[Canary, ...] = ()) -> list[Finding]:
        """Security codes that stand as words of their own, in what is text: among other bytes three digits stand by chance."""
        return [
            Finding(one.where, canary.name, "security code", at)
            for one in self.pieces[kind]
            if kind not in BINARY and not one.where.startswith(("file ", "profile file "))
            for canary in canaries or kind.canaries
            for at in standalone(canary.code, one.content.decode("latin-1"))
        ]


def told(findings: Sequence[Finding]) -> str:
    """Findings for a failure message: place, card and encoding, and never a digit of them."""
    lines = sorted({f"{one.canary} as {one.encoding} in {_without_digits(one.where)}" for one in findings})
    return f"{len(findings)} found:\n" + "\n".join(lines[:40])


def _without_digits(where: str) -> str:
    return re.sub(r"[0-9]{5,}", "…", where)


def files_below(folder: Path) -> Iterator[Exhibit]:
    """Every file, with its name; of a database also its dump as SQL, in which each value is text."""
    for path in sorted(folder.rglob("*")):
        if not path.is_file():
            continue
        name = str(path.relative_to(folder))
        # A journal may be gone by now.
        with contextlib.suppress(FileNotFoundError):
            yield Exhibit(f"file {name}", name.encode() + b"\n" + path.read_bytes())
        if path.suffix == ".db":
            with contextlib.closing(
                sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)
            ) as database:
                yield Exhibit(f"dump of {name}", "\n".join(database.iterdump()).encode())


def memory_report(process: str, moment: str, pid: int, canaries: tuple[Canary, ...] = KEYED) -> MemoryReport:
    """Read a process and search it, region by region, so that no copy of it is kept."""
    search = Search(canaries)
    size = 0
    found: list[Finding] = []
    for _, content in read_memory(pid):
        size += len(content)
        found += search.run(f"memory of {process}, {moment}", content)
    limits = Path(f"/proc/{pid}/limits").read_text()
    core_limit = next(line for line in limits.splitlines() if line.startswith("Max core file size"))
    return MemoryReport(process, moment, size, tuple(found), is_closed_to_its_user(pid), core_limit)
