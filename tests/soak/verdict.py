"""Whether anything grew: what was sampled at each rest, and the limits that it is held to. Pure; it samples nothing itself."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

from tests.soak.gauges import Gauges

MIB: Final = 1 << 20
PER_CALL_TABLES: Final = frozenset(
    {
        "desk phone_call", "desk payment_session", "desk card_token", "desk charge", "desk charge_operation", "desk event",
        "desk audit_entry", "desk recording_pause", "desk idempotency_key", "desk log_in", "secure token", "secure charge",
        "secure payment_attempt", "secure stored_credential", "secure capture_session", "secure audit_entry",
    }
)  # fmt: skip
"""Tables that keep what has happened, by design: of calls and of payments, and of a day's log-ins and answered requests. All others hold
what is at hand, and are as long at one rest as at another."""
MOST_ROWS: Final = 60
"""For each call and each visitor of the panel, in all tables together; a payment with a refund leaves some forty, half of them events."""


@dataclass(frozen=True, slots=True)
class Rest:
    """One moment without a call. `under_way` counts what should have come to its end; `processes` are by name and number."""

    at_s: float
    calls: int
    visits: int
    processes: Mapping[str, Gauges]
    rows: Mapping[str, int]
    under_way: Mapping[str, int]
    recordings: int


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a process may hold more at the end than when it was warm."""

    memory: int
    """Octets, in all of the run."""
    files: int = 2
    sockets: int = 2
    """A connection between the zones, or of a database's pool, that is opened late."""
    threads: int = 8
    """Of pools that fill as they are needed; none has more than this."""


def breaches(rests: Sequence[Rest], limits: Limits) -> list[str]:
    """What grew or stayed open, one line each. The first rest is when all is warm."""
    found = [
        f"{count} {what}, at rest after {rest.calls} calls"
        for rest in rests
        for what, count in rest.under_way.items()
        if count
    ]
    first, last = rests[0], rests[-1]
    if first.processes.keys() != last.processes.keys():
        found.append("a process has ended, or another was started")
        return found
    for name in first.processes:
        found += _grown(name, [rest.processes[name] for rest in rests], limits)
    return found + _long_tables(first, last)


def _grown(name: str, gauges: Sequence[Gauges], limits: Limits) -> list[str]:
    """The middle of the last third is compared with that of the first, so that one unlucky moment says nothing."""
    third = max(1, len(gauges) // 3)
    found = []
    for what in ("memory", "files", "sockets", "threads"):
        series = [getattr(each, what) for each in gauges]
        grown = median(series[-third:]) - median(series[:third])
        if grown > getattr(limits, what):
            shown = f"{grown / MIB:.1f} MiB of memory" if what == "memory" else f"{grown:g} {what}"
            found.append(f"{name}: {shown} more at the end than when it was warm")
    return found


def _long_tables(first: Rest, last: Rest) -> list[str]:
    found = [
        f"table {name}: {last.rows[name] - rows} rows more, though it keeps nothing of a call that is over"
        for name, rows in first.rows.items()
        if name not in PER_CALL_TABLES and last.rows[name] > rows
    ]
    grown = sum(last.rows.values()) - sum(first.rows.values())
    served = last.calls - first.calls + last.visits - first.visits
    if grown > MOST_ROWS * max(served, 1):
        found.append(
            f"databases: {grown} rows more for {served} calls and visits, at most {MOST_ROWS} for each"
        )
    return found
