"""The double's Braintree, read: transactions by id, and searches, which may lag and stay silent."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from tonevault.cde.gateway import Kind
from tonevault.testing.gateways.behaviour import Step
from tonevault.testing.gateways.braintree import objects
from tonevault.testing.gateways.braintree.desk import Answer, Desk, settled
from tonevault.testing.gateways.braintree.markup import Value, text, texts
from tonevault.testing.gateways.braintree.refusal import of_fault
from tonevault.testing.gateways.ledger import Entry
from tonevault.testing.gateways.turn import NoAnswerError

PAGE: Final = 50
"""Ids of one search result are fetched so many at once."""
MAX_FOUND: Final = 20_000
"""Braintree's own limit of one search."""
_TIMES: Final = {
    "created_at": None,
    "submitted_for_settlement_at": "submitted_for_settlement",
    "voided_at": "voided",
}


@dataclass(slots=True)
class Reading:
    """One request that changes nothing, over the desk's books."""

    desk: Desk

    def transaction(self, transaction_id: str) -> Answer:
        """A transaction."""
        entry = self.desk.entry(transaction_id)
        self._meet(Step.LOOK_UP, entry.reference)
        self._hear([entry])
        return "transaction", objects.transaction(entry)

    def verification(self, verification_id: str) -> Answer:
        """A verification."""
        self._meet(Step.LOOK_UP, "")
        return "verification", objects.verification(self.desk.entry(verification_id))

    def search_ids(self) -> Answer:
        """The ids that a search finds."""
        reference = text(self.desk.tree, "order_id", "is")
        self._meet(Step.LOOK_UP if reference else Step.LIST, reference or "")
        found = list(self._found())
        self._hear(found)
        seen = [each for each in found if self.desk.turn.now() >= each.visible_at][:MAX_FOUND]
        return "search_results", {"page_size": PAGE, "ids": [each.entry_id for each in seen]}

    def fetch(self) -> dict[str, list[dict[str, Value]]]:
        """The transactions behind one page of ids."""
        return {
            "transaction": [
                objects.transaction(self.desk.entry(each)) for each in texts(self.desk.tree, "ids")[:PAGE]
            ]
        }

    def _found(self) -> Iterator[Entry]:
        ledger, merchant = self.desk.turn.ledger, self.desk.merchant
        now = self.desk.turn.now()
        if reference := text(self.desk.tree, "order_id", "is"):
            entries = ledger.by_reference(merchant, reference)
        else:
            entries = ledger.between(merchant, 0.0, now + 1.0)
        for entry in entries:
            if entry.kind is not Kind.VERIFICATION and self._in_span(entry):
                yield settled(entry, now, self.desk.settles_after_s)

    def _in_span(self, entry: Entry) -> bool:
        return all(
            self._is_between(entry, name, status) for name, status in _TIMES.items() if name in self.desk.tree
        )

    def _is_between(self, entry: Entry, name: str, status: str | None) -> bool:
        since, until = (_time(text(self.desk.tree, name, edge)) for edge in ("min", "max"))
        history = entry.document["history"]
        steps = history if isinstance(history, list) else []
        times = [entry.made_at] if status is None else [at for step, at, _ in steps if step == status]
        # Braintree compares whole seconds.
        return any(since <= int(at) <= until for at in times)

    def _hear(self, entries: list[Entry]) -> None:
        if any(self.desk.turn.now() < each.heard_at for each in entries):
            raise NoAnswerError

    def _meet(self, step: Step, reference: str) -> None:
        behaviour = self.desk.turn.meet(step, reference)
        if behaviour.fault is not None:
            raise of_fault(behaviour.fault)


def _time(written: str | None) -> float:
    if written is None:
        return 0.0
    return datetime.strptime(written, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC).timestamp()
