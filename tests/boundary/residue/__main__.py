"""`python -m tests.boundary.residue`: 200 charges through each kind of gateway, and what is left of them in memory."""

import argparse
import tempfile
from pathlib import Path

from tests.boundary.residue.scan import scan


def main() -> None:
    """Print a table. Only the simulator's line must be empty: what an SDK or TLS leaves is reported."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--charges", type=int, default=200)
    parser.add_argument("--tls", action="store_true", help="talk to the gateways over TLS")
    parser.add_argument(
        "kinds", nargs="*", default=["simulator", "stripe", "braintree", "worldpay", "generic"]
    )
    chosen = parser.parse_args()
    for kind in chosen.kinds:
        with tempfile.TemporaryDirectory() as folder:
            left = scan({kind: chosen.charges}, Path(folder), tls=chosen.tls)
        pieces = (
            ", ".join(f"{count} {encoding}" for encoding, count in sorted(left.numbers.items())) or "none"
        )
        print(  # noqa: T201 - it is what the program is for
            f"{kind:<10} {left.charges} charges, {left.megabytes} MB read; pieces of numbers: {pieces}; "
            f"the code {left.code} times, other codes up to {left.chance_most} times"
        )


if __name__ == "__main__":
    main()
