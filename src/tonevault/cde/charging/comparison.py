"""Our attempts beside the gateway's own list: what is missing on either side, and what differs. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from tonevault.boundary.reconciliations import DifferenceKind
from tonevault.cde.charging.model import Attempt, AttemptState
from tonevault.cde.gateway import Kind, Listed


@dataclass(frozen=True, slots=True)
class Span:
    """`since` <= at < `until`."""

    since: datetime
    until: datetime

    def holds(self, at: datetime) -> bool:
        """Whether a moment is in it."""
        return self.since <= at < self.until


@dataclass(frozen=True, slots=True)
class Ours:
    """An attempt of ours, with the currency of its charge."""

    attempt: Attempt
    currency: str


@dataclass(frozen=True, slots=True)
class Differing:
    """One movement on which the two disagree; either side may be missing."""

    kind: DifferenceKind
    ours: Ours | None
    theirs: Listed | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """`compared` movements of the span; `open_attempts` are done at the gateway and unsettled here: to be looked up now."""

    compared: int
    differing: tuple[Differing, ...]
    open_attempts: tuple[Attempt, ...]


def compare(ours: Sequence[Ours], theirs: Iterable[Listed], span: Span) -> Comparison:
    """Compare what falls into `span`. Both lists should reach a little beyond it, for clocks and midnights differ."""
    by_reference = {each.attempt.attempt_id: each for each in ours}
    # A capture or void goes by its payment's own reference at some gateways: then the kind tells them apart.
    by_gateway = {each.attempt.gateway_reference: each for each in ours}
    by_kind = {(each.attempt.gateway_reference, each.attempt.kind): each for each in ours}
    differing: list[Differing] = []
    left_open: list[Attempt] = []
    seen: set[str] = set()
    compared = 0
    for line in theirs:
        known = (
            by_reference.get(line.reference or "")
            or by_kind.get((line.gateway_reference, line.kind))
            or by_gateway.get(line.gateway_reference)
        )
        if known is not None:
            seen.add(known.attempt.attempt_id)
        at = line.at if known is None else known.attempt.created_at
        if not span.holds(at):
            continue
        compared += 1
        if known is not None and not known.attempt.state.is_settled:
            left_open.append(known.attempt)
        elif (kind := _difference(known, line)) is not None:
            differing.append(Differing(kind, known, line))
    for each in ours:
        attempt = each.attempt
        if attempt.attempt_id in seen or not span.holds(attempt.created_at) or not _should_be_listed(attempt):
            continue
        compared += 1
        differing.append(Differing(DifferenceKind.MISSING_THERE, each, None))
    return Comparison(compared, tuple(differing), tuple(left_open))


def _difference(known: Ours | None, line: Listed) -> DifferenceKind | None:
    if known is None:
        return DifferenceKind.MISSING_HERE
    attempt = known.attempt
    if attempt.state is not AttemptState.APPROVED or attempt.kind is not line.kind:
        return DifferenceKind.STATE
    if (attempt.amount_minor, known.currency) != (line.money.amount_minor, line.money.currency):
        return DifferenceKind.AMOUNT
    return None


def _should_be_listed(attempt: Attempt) -> bool:
    return attempt.state is AttemptState.APPROVED and attempt.kind is not Kind.VERIFICATION
