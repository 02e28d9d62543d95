"""The token's states: every step stands in the table, nothing leads back to active, and a card's month ends where its holder is."""

from datetime import UTC, datetime, timedelta

import pytest

from tonevault.boundary.tokens import TokenState, TokenUsage
from tonevault.cde.sealed.small_field import Expiry
from tonevault.cde.vault.errors import TransitionError
from tonevault.cde.vault.model import (
    TRANSITIONS,
    StoredToken,
    TokenEvent,
    card_is_past,
    next_state,
    states_before,
)
from tonevault.kernel.card import Brand
from tonevault.kernel.ids import AccountId, TokenId

NOW = datetime(2027, 3, 1, 12, tzinfo=UTC)

ALLOWED = {
    "active": {"expire": "expired", "replace": "replaced", "consume": "consumed", "revoke": "revoked"},
    "expired": {"revoke": "revoked"},
    "replaced": {"revoke": "revoked"},
    "consumed": {"revoke": "revoked"},
    "revoked": {"revoke": "revoked"},
}


def token(**changes: object) -> StoredToken:
    values: dict[str, object] = {
        "account_id": AccountId("acme"),
        "token_id": TokenId("tok_" + "a" * 28),
        "usage": TokenUsage.MULTI,
        "state": TokenState.ACTIVE,
        "brand": Brand.VISA,
        "first6": "424242",
        "last4": "4242",
        "length": 16,
        "expiry": Expiry(12, 2030),
        "created_at": NOW,
        "expires_at": None,
        "replaced_by": None,
    }
    return StoredToken(**(values | changes))  # type: ignore[arg-type]


@pytest.mark.parametrize("state", TokenState)
@pytest.mark.parametrize("event", TokenEvent)
def test_the_table_allows_these_steps_and_no_other(state: TokenState, event: TokenEvent) -> None:
    wanted = ALLOWED[state.value].get(event.value)
    if wanted is None:
        with pytest.raises(TransitionError):
            next_state(state, event)
    else:
        assert next_state(state, event).value == wanted


def test_nothing_leads_back_to_active() -> None:
    assert TokenState.ACTIVE not in TRANSITIONS.values()


def test_every_state_but_active_can_be_reached_and_every_state_revoked() -> None:
    assert set(TRANSITIONS.values()) == set(TokenState) - {TokenState.ACTIVE}
    assert set(states_before(TokenEvent.REVOKE)) == set(TokenState)


@pytest.mark.parametrize(
    ("moment", "past"),
    [
        (datetime(2027, 3, 31, 23, 59, tzinfo=UTC), False),
        (datetime(2027, 4, 1, 11, 59, tzinfo=UTC), False),
        (datetime(2027, 4, 1, 12, 0, tzinfo=UTC), True),
        (datetime(2028, 1, 1, tzinfo=UTC), True),
    ],
)
def test_a_card_is_good_until_its_month_is_over_everywhere(moment: datetime, past: bool) -> None:
    assert card_is_past(Expiry(3, 2027), moment) is past


def test_an_expired_card_is_computed_and_a_newer_expiry_revives_it() -> None:
    old = token(expiry=Expiry(2, 2027))
    assert old.state_at(NOW + timedelta(days=1)) is TokenState.EXPIRED
    assert token(expiry=Expiry(2, 2028)).state_at(NOW) is TokenState.ACTIVE


def test_a_single_use_token_is_expired_from_its_moment_on() -> None:
    single = token(usage=TokenUsage.SINGLE, expires_at=NOW)
    assert single.state_at(NOW - timedelta(microseconds=1)) is TokenState.ACTIVE
    assert single.state_at(NOW) is TokenState.EXPIRED


@pytest.mark.parametrize("state", [s for s in TokenState if s is not TokenState.ACTIVE])
def test_what_has_ended_keeps_its_state_whatever_its_card(state: TokenState) -> None:
    assert token(state=state, expiry=Expiry(1, 2020)).state_at(NOW) is state
