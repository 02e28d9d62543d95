"""Our books beside the gateway's list: each way of differing is told, nothing else, and midnight belongs to one day."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tonevault.boundary.reconciliations import DifferenceKind
from tonevault.cde.charging.comparison import Ours, Span, compare
from tonevault.cde.charging.model import Attempt, AttemptState
from tonevault.cde.gateway import Kind, Listed, Verdict
from tonevault.kernel.ids import AccountId, ChargeId
from tonevault.kernel.money import Money

DAY = datetime(2027, 3, 1, tzinfo=UTC)
SPAN = Span(DAY, DAY + timedelta(days=1))
NOON = DAY + timedelta(hours=12)


def ours(
    name: str = "a",
    state: AttemptState = AttemptState.APPROVED,
    *,
    minor: int = 1250,
    at: datetime = NOON,
    kind: Kind = Kind.PAYMENT,
) -> Ours:
    attempt = Attempt(
        account_id=AccountId("acme"),
        attempt_id=f"att_{name}",
        charge_id=ChargeId(f"ch_{name}"),
        number=1,
        kind=kind,
        amount_minor=minor,
        state=state,
        gateway="simulator",
        node="secure",
        created_at=at,
        updated_at=at,
        gateway_reference=f"sim_{name}",
    )
    return Ours(attempt, "GBP")


def theirs(
    name: str = "a",
    *,
    minor: int = 1250,
    at: datetime = NOON,
    kind: Kind = Kind.PAYMENT,
    knows_us: bool = True,
) -> Listed:
    reference = f"att_{name}" if knows_us else None
    return Listed(reference, f"sim_{name}", kind, Money(minor, "GBP"), Verdict.APPROVED, at)


def kinds(mine: list[Ours], listed: list[Listed]) -> list[DifferenceKind]:
    return [each.kind for each in compare(mine, listed, SPAN).differing]


def test_what_agrees_is_counted_and_not_told() -> None:
    found = compare(
        [ours("a"), ours("b", kind=Kind.REFUND)], [theirs("a"), theirs("b", kind=Kind.REFUND)], SPAN
    )
    assert (found.compared, found.differing, found.open_attempts) == (2, (), ())


@pytest.mark.parametrize("knows_us", [True, False])
def test_it_is_matched_by_either_reference(knows_us: bool) -> None:
    assert kinds([ours()], [theirs(knows_us=knows_us)]) == []


def test_a_capture_and_a_void_that_go_by_their_payments_reference_are_told_apart() -> None:
    steps = (Kind.PAYMENT, Kind.CAPTURE, Kind.VOID)
    mine = [ours(kind.value, kind=kind) for kind in steps]
    one = [replace(each, attempt=replace(each.attempt, gateway_reference="sim_payment")) for each in mine]
    listed = [theirs("payment"), *(theirs("payment", kind=kind, knows_us=False) for kind in steps[1:])]
    for order in (listed, listed[::-1]):
        assert kinds(one, order) == []
        assert kinds(one[::-1], order) == []


@pytest.mark.parametrize(
    ("mine", "listed", "kind"),
    [
        ([], [theirs()], DifferenceKind.MISSING_HERE),
        ([ours()], [], DifferenceKind.MISSING_THERE),
        ([ours(minor=1000)], [theirs()], DifferenceKind.AMOUNT),
        ([ours(state=AttemptState.FAILED)], [theirs()], DifferenceKind.STATE),
        ([ours(state=AttemptState.DECLINED)], [theirs()], DifferenceKind.STATE),
        ([ours(kind=Kind.VOID)], [theirs()], DifferenceKind.STATE),
    ],
)
def test_every_difference_has_a_kind(mine: list[Ours], listed: list[Listed], kind: DifferenceKind) -> None:
    assert kinds(mine, listed) == [kind]


@pytest.mark.parametrize("state", [AttemptState.SENT, AttemptState.UNKNOWN])
def test_what_is_still_open_here_is_looked_up_and_not_called_a_difference(state: AttemptState) -> None:
    found = compare([ours(state=state)], [theirs()], SPAN)
    assert found.differing == ()
    assert [each.attempt_id for each in found.open_attempts] == ["att_a"]


@pytest.mark.parametrize("state", [AttemptState.DECLINED, AttemptState.FAILED, AttemptState.UNKNOWN])
def test_what_was_not_done_need_not_be_listed(state: AttemptState) -> None:
    assert kinds([ours(state=state)], []) == []
    assert kinds([ours(kind=Kind.VERIFICATION)], []) == []


def test_midnight_belongs_to_one_day_by_our_clock() -> None:
    before, after = SPAN.since - timedelta(seconds=1), SPAN.since + timedelta(seconds=1)
    yesterday = Span(SPAN.since - timedelta(days=1), SPAN.since)
    mine, listed = [ours(at=before, minor=1)], [theirs(at=after)]
    assert compare(mine, listed, SPAN).differing == ()
    assert len(compare(mine, listed, yesterday).differing) == 1
