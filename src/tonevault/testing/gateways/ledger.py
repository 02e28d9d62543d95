"""What a gateway's double remembers, in an SQLite file of its own: entries, and every movement of money. No card, no code."""

import json
import sqlite3
import threading
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tonevault.cde.gateway import Kind

Document = Mapping[str, object]
"""What a wire format keeps with an entry: JSON values."""

_TABLES: Final = """
CREATE TABLE IF NOT EXISTS entry (
    merchant TEXT NOT NULL, entry_id TEXT NOT NULL, kind TEXT NOT NULL, reference TEXT NOT NULL, of_entry TEXT,
    amount_minor INTEGER NOT NULL, currency TEXT NOT NULL, state TEXT NOT NULL, made_at REAL NOT NULL,
    visible_at REAL NOT NULL, heard_at REAL NOT NULL, document TEXT NOT NULL, PRIMARY KEY (merchant, entry_id));
CREATE INDEX IF NOT EXISTS entry_by_reference ON entry (merchant, reference);
CREATE INDEX IF NOT EXISTS entry_by_parent ON entry (merchant, of_entry);
CREATE TABLE IF NOT EXISTS movement (
    merchant TEXT NOT NULL, movement_id TEXT NOT NULL, entry_id TEXT NOT NULL, reference TEXT NOT NULL,
    kind TEXT NOT NULL, amount_minor INTEGER NOT NULL, currency TEXT NOT NULL, made_at REAL NOT NULL,
    PRIMARY KEY (merchant, movement_id));
CREATE INDEX IF NOT EXISTS movement_by_reference ON movement (reference);
CREATE TABLE IF NOT EXISTS answer (
    merchant TEXT NOT NULL, key TEXT NOT NULL, fingerprint TEXT NOT NULL, status INTEGER NOT NULL, body BLOB NOT NULL,
    made_at REAL NOT NULL, PRIMARY KEY (merchant, key));
CREATE TABLE IF NOT EXISTS note (
    merchant TEXT NOT NULL, note_id TEXT NOT NULL, document TEXT NOT NULL, PRIMARY KEY (merchant, note_id));
CREATE TABLE IF NOT EXISTS event (
    merchant TEXT NOT NULL, event_id TEXT NOT NULL, type TEXT NOT NULL, made_at REAL NOT NULL, document TEXT NOT NULL,
    PRIMARY KEY (merchant, event_id));
"""


@dataclass(frozen=True, slots=True)
class Entry:
    """One object of the gateway's: a payment, refund or other deed. `reference` is the merchant's own for it.

    Times are in seconds since 1970. Look-ups see it from `visible_at` on, and are answered at all from `heard_at` on.
    """

    merchant: str
    entry_id: str
    kind: Kind
    reference: str
    amount_minor: int
    currency: str
    state: str
    made_at: float
    of_entry: str | None = None
    visible_at: float = 0.0
    heard_at: float = 0.0
    document: Document = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Movement:
    """Money that really moved, once: what a bank statement would show."""

    merchant: str
    entry_id: str
    reference: str
    kind: Kind
    amount_minor: int
    currency: str
    made_at: float


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """An answer kept under an idempotency key, with a fingerprint of the request that it answered."""

    fingerprint: str
    status: int
    body: bytes
    made_at: float


@dataclass(frozen=True, slots=True)
class Told:
    """An event that the gateway would send as a webhook."""

    merchant: str
    event_id: str
    type: str
    made_at: float
    document: Document


class Ledger:
    """The double's durable book. Safe for threads; several processes may read while one writes."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.RLock()
        self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None, timeout=10)
        self._connection.row_factory = sqlite3.Row
        # A test kills the product, not the double: the file need not survive a loss of power.
        for pragma in ("journal_mode=WAL", "synchronous=OFF"):
            self._connection.execute(f"PRAGMA {pragma}")
        self._connection.executescript(_TABLES)

    @contextmanager
    def deed(self) -> Iterator[None]:
        """Everything inside happens together, and alone."""
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    def put(self, entry: Entry) -> None:
        """Write an entry, or write it anew."""
        self._write(
            "INSERT OR REPLACE INTO entry VALUES (?,?,?,?,?,?,?,?,?,?,?,?)",
            entry.merchant,
            entry.entry_id,
            entry.kind.value,
            entry.reference,
            entry.of_entry,
            entry.amount_minor,
            entry.currency,
            entry.state,
            entry.made_at,
            entry.visible_at,
            entry.heard_at,
            json.dumps(entry.document),
        )

    def entry(self, merchant: str, entry_id: str) -> Entry | None:
        """An entry by the gateway's own id, visible or not."""
        found = self._entries("merchant = ? AND entry_id = ?", merchant, entry_id)
        return found[0] if found else None

    def find_anywhere(self, entry_id: str) -> list[Entry]:
        """An entry by its id alone, whoever's it is: for requests of a card holder's browser, which has no credentials."""
        return self._entries("entry_id = ?", entry_id)

    def by_reference(self, merchant: str, reference: str) -> list[Entry]:
        """Entries by the merchant's reference, the oldest first, visible or not."""
        return self._entries("merchant = ? AND reference = ?", merchant, reference)

    def children(self, merchant: str, entry_id: str) -> list[Entry]:
        """What was done on top of an entry: its captures, refunds and voids."""
        return self._entries("merchant = ? AND of_entry = ?", merchant, entry_id)

    def between(self, merchant: str, since: float, until: float) -> list[Entry]:
        """Entries made in `since` <= at < `until`, the oldest first."""
        return self._entries("merchant = ? AND made_at >= ? AND made_at < ?", merchant, since, until)

    def move(self, entry: Entry, kind: Kind, amount_minor: int, reference: str, at: float) -> None:
        """Let money move."""
        self._write(
            "INSERT INTO movement VALUES (?,?,?,?,?,?,?,?)",
            entry.merchant,
            uuid.uuid4().hex,
            entry.entry_id,
            reference,
            kind.value,
            amount_minor,
            entry.currency,
            at,
        )

    def movements(self, reference: str | None = None) -> list[Movement]:
        """Every movement of money, or those under one reference of the merchant's, the oldest first."""
        wanted, values = ("WHERE reference = ?", (reference,)) if reference is not None else ("", ())
        with self._lock:
            rows = self._connection.execute(
                f"SELECT * FROM movement {wanted} ORDER BY made_at, rowid",  # noqa: S608 - two fixed texts
                values,
            ).fetchall()
        return [
            Movement(
                row["merchant"],
                row["entry_id"],
                row["reference"],
                Kind(row["kind"]),
                row["amount_minor"],
                row["currency"],
                row["made_at"],
            )
            for row in rows
        ]

    def moved_twice(self) -> list[str]:
        """References under which money moved more than once: what must never be."""
        with self._lock:
            rows = self._connection.execute(
                "SELECT reference FROM movement GROUP BY merchant, reference, kind HAVING COUNT(*) > 1"
            ).fetchall()
        return [row["reference"] for row in rows]

    def keep_answer(self, merchant: str, key: str, answer: KeptAnswer) -> None:
        """Keep an answer under an idempotency key."""
        self._write(
            "INSERT OR REPLACE INTO answer VALUES (?,?,?,?,?,?)",
            merchant,
            key,
            answer.fingerprint,
            answer.status,
            answer.body,
            answer.made_at,
        )

    def kept_answer(self, merchant: str, key: str) -> KeptAnswer | None:
        """What was kept under a key."""
        with self._lock:
            row = self._connection.execute(
                "SELECT * FROM answer WHERE merchant = ? AND key = ?", (merchant, key)
            ).fetchone()
        return (
            None
            if row is None
            else KeptAnswer(row["fingerprint"], row["status"], row["body"], row["made_at"])
        )

    def forget_answers(self, before: float) -> None:
        """Let idempotency keys older than that lapse, as a gateway does after its time."""
        self._write("DELETE FROM answer WHERE made_at < ?", before)

    def note(self, merchant: str, note_id: str, document: Document) -> None:
        """Keep something that moves no money and is no deed: a card that was handed over, without its digits."""
        self._write("INSERT OR REPLACE INTO note VALUES (?,?,?)", merchant, note_id, json.dumps(document))

    def noted(self, merchant: str, note_id: str) -> Document | None:
        """What was kept so."""
        with self._lock:
            row = self._connection.execute(
                "SELECT document FROM note WHERE merchant = ? AND note_id = ?", (merchant, note_id)
            ).fetchone()
        if row is None:
            return None
        document: Document = json.loads(row["document"])
        return document

    def tell(self, told: Told) -> None:
        """Record an event."""
        self._write(
            "INSERT INTO event VALUES (?,?,?,?,?)",
            told.merchant,
            told.event_id,
            told.type,
            told.made_at,
            json.dumps(told.document),
        )

    def told(self, merchant: str | None = None) -> list[Told]:
        """Events of one merchant or all, the oldest first."""
        wanted, values = ("WHERE merchant = ?", (merchant,)) if merchant is not None else ("", ())
        with self._lock:
            rows = self._connection.execute(
                f"SELECT * FROM event {wanted} ORDER BY made_at, rowid",  # noqa: S608 - two fixed texts
                values,
            ).fetchall()
        return [
            Told(row["merchant"], row["event_id"], row["type"], row["made_at"], json.loads(row["document"]))
            for row in rows
        ]

    def close(self) -> None:
        """Release the file."""
        with self._lock:
            self._connection.close()

    def _write(self, statement: str, *values: object) -> None:
        with self._lock:
            self._connection.execute(statement, values)

    def _entries(self, condition: str, *values: object) -> list[Entry]:
        with self._lock:
            rows = self._connection.execute(
                f"SELECT * FROM entry WHERE {condition} ORDER BY made_at, rowid",  # noqa: S608 - fixed texts
                values,
            ).fetchall()
        return [
            Entry(
                merchant=row["merchant"],
                entry_id=row["entry_id"],
                kind=Kind(row["kind"]),
                reference=row["reference"],
                amount_minor=row["amount_minor"],
                currency=row["currency"],
                state=row["state"],
                made_at=row["made_at"],
                of_entry=row["of_entry"],
                visible_at=row["visible_at"],
                heard_at=row["heard_at"],
                document=json.loads(row["document"]),
            )
            for row in rows
        ]
