"""Feed a million hostile inputs, or as many as asked for, and print what came of them.

    .venv/bin/python -m tests.fuzz [--inputs 1000000] [--seed 1] [--only "SIP message"]

The same seed gives the same inputs. The exit code is 1 when anything crashed or was left behind. The first input of each crash is printed.
"""

import argparse
import sys

from tests.fuzz.campaign import SHARES, Outcome, run


def _row(outcome: Outcome) -> str:
    left = ", ".join(f"{count} {name}" for name, count in outcome.left.items() if count) or "nothing"
    rate = outcome.inputs / max(outcome.seconds, 1e-9)
    return (
        f"{outcome.name:24s} {outcome.inputs:8d} {100 * outcome.taken / max(1, outcome.inputs):6.1f} % "
        f"{sum(outcome.crashes.values()):8d}  {left:12s} {outcome.growth_bytes / 2**20:7.1f} MB {rate:9.0f} /s"
    )


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> int:
    """Run the campaign."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--inputs", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", help="the name of one target, which then gets all inputs")
    options = parser.parse_args()
    _say(f"seed {options.seed}")
    _say("target                     inputs    taken  crashes  left behind   growth      rate")
    outcomes = []
    for kind, share in SHARES.items():
        if options.only in (None, getattr(kind, "name", "")):
            count = options.inputs if options.only else round(options.inputs * share)
            outcomes.append(run(kind, count, options.seed))
            _say(_row(outcomes[-1]))
    for outcome in outcomes:
        for crash, times in outcome.crashes.items():
            _say(f"{outcome.name}: {crash}, {times} times, first by {outcome.first_crash[crash]!r}")
    return 0 if all(outcome.is_sound for outcome in outcomes) else 1


if __name__ == "__main__":
    sys.exit(main())
