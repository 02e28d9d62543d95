"""The session machine as a whole: several carriers, and every end that it can come to."""

import pytest
from tests.unit.cde.capture.customer import (
    CODE,
    EXPIRY,
    NUMBER,
    START,
    VISA,
    Customer,
    everywhere,
    request,
)

from tonevault.boundary.captures import CaptureState, EndReason, FieldError, FieldState
from tonevault.boundary.charges import Amount, ChargeResult, ChargeState
from tonevault.boundary.tokens import CardView, TokenState, TokenUsage, TokenView
from tonevault.cde.capture.model import Outcome
from tonevault.cde.capture.press_row import SETTLED_S
from tonevault.cde.capture.session import CaptureSession
from tonevault.cde.gateway import CardInHand
from tonevault.cde.media import Carrier
from tonevault.cde.sealed.warrant import open_number
from tonevault.kernel.card import Brand
from tonevault.kernel.ids import ChargeId, TokenId

TOKEN = TokenView(
    token_id=TokenId("tok_" + "t" * 28),
    account_id=request().account_id,
    usage=TokenUsage.MULTI,
    state=TokenState.ACTIVE,
    card=CardView(brand=Brand.VISA, first6="424242", last4="4242", length=16, exp_month=12, exp_year=2030),
    created_at=START,
)


def charged(state: ChargeState) -> ChargeResult:
    return ChargeResult(
        charge_id=ChargeId("ch_" + "a" * 28),
        account_id=TOKEN.account_id,
        token_id=TOKEN.token_id,
        amount=Amount(amount_minor=1250, currency="GBP"),
        state=state,
        gateway="simulator",
        created_at=START,
        updated_at=START,
    )


class TestCarriers:
    def test_a_good_value_does_not_wait_for_a_slow_carrier(self) -> None:
        customer = Customer()
        customer.start(EXPIRY)
        customer.key("1230", Carrier.EVENT, Carrier.INFO)
        customer.key("#", Carrier.EVENT)
        assert customer.field(EXPIRY).state is FieldState.CAPTURED

    def test_a_bad_value_waits_for_the_carrier_that_may_mend_it(self) -> None:
        customer = Customer()
        customer.start(EXPIRY)
        customer.key("9*", Carrier.EVENT, Carrier.INFO)
        customer.key("1")
        customer.wait(0.2)  # The event of the 2 is lost.
        customer.key("30#")
        assert (customer.field(EXPIRY).state, customer.field(EXPIRY).dots) == (FieldState.CAPTURING, 3)
        customer.key("1230", Carrier.INFO)
        assert customer.field(EXPIRY).state is FieldState.CAPTURED

    def test_a_bad_value_is_red_once_nobody_can_mend_it(self) -> None:
        customer = Customer()
        customer.start(EXPIRY)
        customer.key("9", Carrier.EVENT, Carrier.INFO)
        customer.key("9#", Carrier.EVENT)
        assert customer.field(EXPIRY).state is FieldState.CAPTURING
        customer.wait(2.5)
        assert customer.field(EXPIRY).error is FieldError.INVALID_EXPIRY

    def test_late_twins_of_one_field_do_not_reach_the_next(self) -> None:
        customer = Customer()
        customer.start(EXPIRY)
        customer.key("1", Carrier.EVENT, Carrier.INFO)
        customer.key("230#", Carrier.EVENT)
        customer.start(CODE)
        customer.key("230#", Carrier.INFO)
        assert (customer.field(CODE).state, customer.field(CODE).dots) == (FieldState.CAPTURING, 0)
        customer.key("456#", Carrier.EVENT, Carrier.INFO)
        assert customer.field(CODE).state is FieldState.CAPTURED

    def test_the_wait_for_the_next_key_begins_when_this_one_is_let_go(self) -> None:
        customer = Customer()
        customer.start(EXPIRY)
        customer.press("1")
        customer.wait(8.0)
        customer.lets_go()
        customer.wait(customer.request.inter_digit_timeout_s - 0.1)
        assert customer.field(EXPIRY).state is FieldState.CAPTURING
        customer.wait(0.1)
        assert customer.field(EXPIRY).error is FieldError.INPUT_TIMEOUT

    def test_a_key_that_is_held_is_known_until_it_is_let_go(self) -> None:
        customer = Customer()
        customer.capture(EXPIRY, "1230")
        customer.press("7")
        customer.wait(0.1)
        customer.start(CODE)
        customer.wait(SETTLED_S + 3)
        customer.lets_go()
        customer.key("7", Carrier.INFO)
        assert customer.field(CODE).dots == 0, "it was pressed before the field's window"
        customer.key("7", Carrier.INFO)
        assert customer.field(CODE).dots == 1

    def test_keys_are_forgotten_soon_after_their_field(self) -> None:
        customer = Customer()
        customer.capture(NUMBER, VISA)
        customer.wait(SETTLED_S + 1)
        assert not any(customer.session._window._row._pending.values())
        assert customer.session._window._row.presses == []


class TestEnds:
    def complete(self) -> tuple[Customer, CardInHand]:
        customer = Customer()
        customer.capture_all()
        return customer, customer.session.complete(customer.now)

    def test_complete_hands_the_card_over_and_keeps_nothing(self) -> None:
        customer, card = self.complete()
        assert customer.session.state is CaptureState.COMPLETING
        assert everywhere(customer.session) == []
        with open_number(card.number) as digits:
            assert bytes(digits).decode() == VISA
        assert card.security_code is not None
        assert (card.expiry.month, card.expiry.year) == (12, 2030)
        assert customer.field(NUMBER).masked == "**** **** **** 4242"

    @pytest.mark.parametrize(
        ("outcome", "state", "reason"),
        [
            (Outcome(TOKEN), CaptureState.SUCCEEDED, None),
            (Outcome(None), CaptureState.FAILED, EndReason.TOKENIZATION_FAILED),
            (Outcome(TOKEN, charge=charged(ChargeState.SUCCEEDED)), CaptureState.SUCCEEDED, None),
            (
                Outcome(TOKEN, charge=charged(ChargeState.DECLINED)),
                CaptureState.DECLINED,
                EndReason.AUTHORISATION_DECLINED,
            ),
            (
                Outcome(None, charge=charged(ChargeState.DECLINED)),
                CaptureState.DECLINED,
                EndReason.AUTHORISATION_DECLINED,
            ),
            (
                Outcome(TOKEN, charge=charged(ChargeState.UNKNOWN)),
                CaptureState.UNKNOWN,
                EndReason.AUTHORISATION_UNKNOWN,
            ),
            (
                Outcome(TOKEN, charge=charged(ChargeState.FAILED)),
                CaptureState.FAILED,
                EndReason.AUTHORISATION_FAILED,
            ),
        ],
    )
    def test_outcomes(self, outcome: Outcome, state: CaptureState, reason: EndReason | None) -> None:
        customer, _ = self.complete()
        customer.session.finish(outcome, customer.now)
        view = customer.session.view()
        assert (view.state, view.reason, view.token, view.charge) == (
            state,
            reason,
            outcome.token,
            outcome.charge,
        )

    def test_nothing_stops_a_card_that_is_with_the_gateway(self) -> None:
        customer, _ = self.complete()
        before = customer.session.view()
        customer.session.cancel(customer.now)
        customer.session.call_ended(customer.now)
        customer.wait(7200)
        customer.session.tick(customer.now)
        customer.key("1#")
        assert customer.session.view() == before

    def test_complete_needs_every_field(self) -> None:
        customer = Customer()
        customer.capture(NUMBER, VISA)
        with pytest.raises(RuntimeError):
            customer.session.complete(customer.now)

    @pytest.mark.parametrize("keys", range(17))
    def test_hang_up_after_every_key(self, keys: int) -> None:
        customer = Customer()
        customer.capture(CODE, "123")
        customer.start(NUMBER)
        customer.key((VISA + "#")[:keys])
        customer.session.call_ended(customer.now)
        view = customer.session.view()
        assert (view.state, view.reason, view.brand) == (CaptureState.CANCELED, EndReason.CALL_ENDED, None)
        assert {each.state for each in view.fields} == {FieldState.IDLE}
        assert everywhere(customer.session) == []
        customer.key(VISA + "#")
        assert customer.session.view() == view

    def test_cancel_and_interruption(self) -> None:
        for end, state, reason in (
            (CaptureSession.cancel, CaptureState.CANCELED, EndReason.CANCELED_BY_AGENT),
            (CaptureSession.interrupt, CaptureState.FAILED, EndReason.INTERRUPTED),
        ):
            customer = Customer()
            customer.capture_all()
            end(customer.session, customer.now)
            view = customer.session.view()
            assert (view.state, view.reason) == (state, reason)
            end(customer.session, customer.now)
            assert customer.session.view() == view
            assert everywhere(customer.session) == []

    def test_every_change_grows_the_revision(self) -> None:
        customer = Customer()
        seen = [customer.session.revision]
        customer.start(NUMBER)
        for character in VISA + "#":
            seen.append(customer.session.revision)
            customer.key(character)
        assert seen == sorted(set(seen))

    def test_hush(self) -> None:
        customer = Customer()
        customer.session.hush(on=True, by_noise=False, at=customer.now)
        assert customer.session.view().hushed
        customer.session.hush(on=False, by_noise=True, at=customer.now)
        view = customer.session.view()
        assert (view.hushed, view.hushed_by_noise) == (False, True)
        revision = customer.session.revision
        customer.session.hush(on=False, by_noise=True, at=customer.now)
        assert customer.session.revision == revision
