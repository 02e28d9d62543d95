"""docs/test-cards.md, printed from the tables that the simulator obeys: `python -m tonevault.cde.gateways.simulator.page`."""

import sys
from typing import Final

from tonevault.cde.gateways.simulator.cards import AMOUNTS, CARDS
from tonevault.cde.gateways.simulator.outcomes import APPROVED, Outcome

_HEAD: Final = """\
# Test cards

The embedded `simulator` gateway moves no money. It tells outcomes by the card that is keyed and, for cards that it would
approve, by the amount. The numbers are the ones that the payment industry publishes for tests; any expiry in the future and
any security code of the right length will do, and every other valid number is approved.

What is said under *code* is the `code` of the charge. Cards that time out leave the charge `unknown` first; it is settled by
looking the payment up, and the charge's state changes then.
"""
_AMOUNTS_DO: Final = """\
With an approved card, these amounts (shown for a currency with two decimals) do the same; so they do for captures and refunds:
"""
_FOOT: Final = """
The simulator keeps references and outcomes in a file of its own beside the vault's database, so that a look-up tells the
truth after either was stopped at any moment. It never stores a card number or a security code.
"""


def render() -> str:
    """The whole page."""
    approved = [card for card in CARDS if card.outcome is APPROVED]
    others = [card for card in CARDS if card.outcome is not APPROVED]
    parts = [
        _HEAD,
        "## Cards that are approved\n",
        *_table(("card", "brand"), [(_grouped(card.number), card.brand.title) for card in approved]),
        "\n## Cards for every other outcome\n",
        *_table(
            ("card", "what happens", "code"),
            [(_grouped(card.number), card.outcome.story, _code(card.outcome)) for card in others],
        ),
        "\n## Amounts\n",
        _AMOUNTS_DO,
        *_table(
            ("amount", "`amount_minor`", "what happens", "code"),
            [
                (f"{minor // 100:,}.{minor % 100:02}", str(minor), outcome.story, _code(outcome))
                for minor, outcome in AMOUNTS.items()
            ],
        ),
        _FOOT,
    ]
    return "\n".join(parts)


def _table(heads: tuple[str, ...], rows: list[tuple[str, ...]]) -> list[str]:
    lines = ["| " + " | ".join(heads) + " |", "|" + " --- |" * len(heads)]
    return [*lines, *("| " + " | ".join(row) + " |" for row in rows)]


def _grouped(number: bytes) -> str:
    text = number.decode("ascii")
    return "`" + " ".join(text[i : i + 4] for i in range(0, len(text), 4)) + "`"


def _code(outcome: Outcome) -> str:
    return f"`{outcome.code.value}`" if outcome.code else ""


if __name__ == "__main__":
    sys.stdout.write(render())
