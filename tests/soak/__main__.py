"""`python -m tests.soak`: the whole product under calls for an hour. Prints what it holds at each rest; exits 1 if anything grew."""

import argparse
import sys

from tests.soak.soak import Found, Plan, run_soak
from tests.soak.verdict import MIB, Limits, Rest, breaches

REST_S = 20.0
"""What a rest takes, about."""
MEMORY = 12 * MIB
"""By which a process may grow in a run: what its allocator and its caches take until they are as large as they get."""

MOST_GIVEN_UP = 0.05
"""Of all calls: more than a machine too busy for telephones accounts for."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument(
        "--rounds", type=int, default=12, help="with a rest after each, in which it is looked at"
    )
    parser.add_argument("--customers", type=int, default=4, help="calls at once, at most 7")
    parser.add_argument("--seed", type=int, default=20270301)
    asked = parser.parse_args()
    round_s = max(10.0, asked.minutes * 60 / (asked.rounds + 1) - REST_S)
    plan = Plan(asked.rounds, round_s, asked.customers, asked.seed)
    _say(
        f"{asked.rounds} rounds of {round_s:.0f} s after one to warm up, {asked.customers} customers, seed {asked.seed}"
    )
    _say("of each process: MiB of its own, files, sockets, threads\n")
    found = run_soak(plan, lambda rest: _say(_row(rest)))
    wrong = breaches(found.rests[1:], Limits(memory=MEMORY)) + found.differences
    last = found.rests[-1]
    _say(
        f"\n{last.calls} calls, {last.recordings} recordings, {last.visits} panels and programs that came and went"
    )
    _say(f"{found.gave_up} calls in which a field was asked for in vain")
    _say(f"asked for again: {', '.join(_again(found, carrier) for carrier in sorted(found.asked))}")
    _say("old rows are forgotten" if found.forgets else "too short to see old rows forgotten")
    if found.gave_up > MOST_GIVEN_UP * last.calls:
        wrong.append(f"{found.gave_up} calls in which a field was asked for in vain")
    for line in wrong:
        _say(f"BREACH: {line}")
    _say("NOTHING GREW" if not wrong else f"{len(wrong)} breaches")
    return 1 if wrong else 0


def _again(found: Found, carrier: str) -> str:
    return f"{found.asked_again[carrier]} of {found.asked[carrier]} fields by {carrier}"


def _row(rest: Rest) -> str:
    processes = [
        f"{name} {each.memory / MIB:.1f} {each.files} {each.sockets} {each.threads}"
        for name, each in rest.processes.items()
    ]
    cells = (
        f"{rest.at_s / 60:.1f} min",
        f"{rest.calls} calls",
        *processes,
        f"{sum(rest.rows.values())} rows",
    )
    return " | ".join(cells)


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
