"""docs/declines.md, printed from the table that the API answers from: `python -m tonevault.desk.payments.advice_page`."""

import sys
from typing import Final

from tonevault.desk.payments.advice import ADVICE, SILENCE

_HEAD: Final = f"""\
# Codes and what to do about them

Every charge, capture, void and refund that was declined or failed has a `code`, and with it `advice` for whoever has the customer
on the line. `decline` is `hard` where no later try of the card can pass (schemes fine merchants who try), and `soft` where one may.
While a result is `unknown`: {SILENCE}

| code | advice |
| --- | --- |
"""


def render() -> str:
    """The whole page."""
    return _HEAD + "".join(f"| `{code}` | {sentence} |\n" for code, sentence in ADVICE.items())


if __name__ == "__main__":
    sys.stdout.write(render())
