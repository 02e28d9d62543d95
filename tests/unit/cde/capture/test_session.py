"""The session machine: every field error, every time-out, every end, in simulated time."""

import gc
from datetime import timedelta

import pytest
from tests.unit.cde.capture.customer import (
    AMEX,
    CODE,
    EXPIRY,
    NUMBER,
    POSTAL,
    START,
    VISA,
    Customer,
    request,
)

from tonevault.boundary.captures import CaptureState, EndReason, FieldError, FieldName, FieldState
from tonevault.boundary.charges import Amount, ChargeResult, ChargeState
from tonevault.boundary.tokens import CardView, TokenState, TokenUsage, TokenView
from tonevault.cde.capture.model import Outcome
from tonevault.cde.capture.session import SECURITY_CODE_LIFE_S, CaptureSession
from tonevault.cde.gateway import CardInHand
from tonevault.cde.media import Carrier
from tonevault.cde.sealed.card_number import CardNumber
from tonevault.cde.sealed.security_code import SecurityCode
from tonevault.cde.sealed.warrant import open_code, open_number
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


def everywhere(session: CaptureSession) -> list[str]:
    """Digits that are still reachable from a session."""
    found, seen, waiting = [], set(), [session]
    while waiting:
        each = waiting.pop()
        if id(each) in seen or isinstance(each, type):
            continue
        seen.add(id(each))
        if isinstance(each, CardNumber):
            with open_number(each) as digits:
                found.append(bytes(digits).decode())
        if isinstance(each, SecurityCode):
            with open_code(each) as digits:
                found.append(bytes(digits).decode())
        if not hasattr(each, "__module__") or str(each.__module__).startswith("tonevault.cde"):
            waiting += gc.get_referents(each)
    return found


class TestFields:
    def test_dots_masks_and_brand(self) -> None:
        customer = Customer()
        customer.start(NUMBER)
        customer.key("4242")
        field = customer.field(NUMBER)
        assert (field.state, field.dots, field.masked) == (FieldState.CAPTURING, 4, "")
        assert customer.session.view().brand is None
        customer.key(VISA[4:] + "#")
        field = customer.field(NUMBER)
        assert (field.state, field.dots, field.masked) == (FieldState.CAPTURED, 16, "**** **** **** 4242")
        assert customer.session.view().brand is Brand.VISA
        customer.capture(EXPIRY, "1230")
        customer.capture(CODE, "123")
        assert [customer.field(each).masked for each in (EXPIRY, CODE)] == ["**/**", "***"]

    @pytest.mark.parametrize(
        "order", [(NUMBER, EXPIRY, CODE), (CODE, EXPIRY, NUMBER), (EXPIRY, CODE, NUMBER)]
    )
    def test_fields_go_in_any_order(self, order: tuple[FieldName, ...]) -> None:
        customer = Customer()
        keys = {NUMBER: VISA, EXPIRY: "1230", CODE: "123"}
        for name in order:
            assert not customer.session.can_complete
            customer.capture(name, keys[name])
        assert customer.session.view().can_complete

    @pytest.mark.parametrize(
        ("name", "keys", "error"),
        [
            (NUMBER, "4242424242424241", FieldError.INVALID_CARD_NUMBER),
            (NUMBER, "42424242424", FieldError.INVALID_CARD_NUMBER),
            (NUMBER, "42424242424242", FieldError.INVALID_CARD_NUMBER),
            (NUMBER, "0000000000000000", FieldError.INVALID_CARD_NUMBER),
            (NUMBER, "4", FieldError.INVALID_CARD_NUMBER),
            (NUMBER, AMEX, FieldError.CARD_TYPE_NOT_ACCEPTED),
            (EXPIRY, "1330", FieldError.INVALID_EXPIRY),
            (EXPIRY, "0030", FieldError.INVALID_EXPIRY),
            (EXPIRY, "0227", FieldError.INVALID_EXPIRY),
            (EXPIRY, "0148", FieldError.INVALID_EXPIRY),
            (EXPIRY, "122030", FieldError.INVALID_EXPIRY),
            (CODE, "12", FieldError.INVALID_SECURITY_CODE),
            (CODE, "12345", FieldError.INVALID_SECURITY_CODE),
            (POSTAL, "123", FieldError.INVALID_POSTAL_CODE),
            (POSTAL, "1234567890", FieldError.INVALID_POSTAL_CODE),
        ],
    )
    def test_errors_turn_a_field_red_and_it_can_be_taken_again(
        self, name: FieldName, keys: str, error: FieldError
    ) -> None:
        customer = Customer(request(fields=tuple(FieldName), accepted_brands=(Brand.VISA,)))
        customer.capture(name, keys)
        field = customer.field(name)
        assert (field.state, field.error, field.attempts, field.dots) == (FieldState.FAILED, error, 1, 0)
        assert everywhere(customer.session) == []
        good = {NUMBER: VISA, EXPIRY: "0327", CODE: "123", POSTAL: "10001"}
        customer.capture(name, good[name])
        assert customer.field(name).state is FieldState.CAPTURED
        assert customer.field(name).error is None

    def test_a_month_ends_where_it_ends_last(self) -> None:
        customer = Customer()
        customer.seconds += timedelta(days=31, minutes=-1).total_seconds()  # 11:59 UTC on 1 April
        customer = Customer(request(expires_at=customer.now.utc + timedelta(hours=1)), customer.seconds)
        customer.capture(EXPIRY, "0327")
        assert customer.field(EXPIRY).state is FieldState.CAPTURED
        customer.seconds += 120
        customer.capture(EXPIRY, "0327")
        assert customer.field(EXPIRY).error is FieldError.INVALID_EXPIRY

    def test_star_clears(self) -> None:
        customer = Customer()
        customer.start(EXPIRY)
        customer.key("99*")
        assert customer.field(EXPIRY).dots == 0
        customer.key("1230#")
        assert customer.field(EXPIRY).state is FieldState.CAPTURED

    def test_pound_on_nothing_is_ignored(self) -> None:
        customer = Customer()
        customer.start(EXPIRY)
        customer.key("##*#")
        assert customer.field(EXPIRY).state is FieldState.CAPTURING

    def test_letters_are_no_digits(self) -> None:
        customer = Customer()
        customer.start(EXPIRY)
        customer.key("A1B2C3D0#")
        assert customer.field(EXPIRY).state is FieldState.CAPTURED

    def test_only_nineteen_digits_confirm_themselves(self) -> None:
        customer = Customer()
        customer.start(NUMBER)
        customer.key("6205500000000000004")
        assert customer.field(NUMBER).state is FieldState.CAPTURED
        customer.start(EXPIRY)
        customer.key("1230")
        customer.start(CODE)
        customer.key("1234")
        assert customer.field(CODE).state is FieldState.CAPTURING

    def test_keys_without_an_active_field_are_nothing(self) -> None:
        customer = Customer()
        before = customer.session.view()
        customer.key(VISA + "#")
        assert customer.session.view() == before

    def test_another_field_closes_the_first_and_forgets(self) -> None:
        customer = Customer()
        customer.start(NUMBER)
        customer.key("4242")
        customer.start(EXPIRY)
        assert (customer.field(NUMBER).state, customer.field(NUMBER).dots) == (FieldState.IDLE, 0)
        customer.key("1230#")
        assert customer.field(EXPIRY).state is FieldState.CAPTURED
        customer.start(NUMBER)
        assert customer.field(NUMBER).dots == 0

    def test_starting_the_open_field_again_loses_no_digit(self) -> None:
        customer = Customer()
        customer.start(NUMBER)
        customer.key("4242")
        before = customer.session.revision
        customer.start(NUMBER)
        assert (customer.session.revision, customer.field(NUMBER).dots) == (before, 4)

    def test_recapture_zeroes_the_former_value(self) -> None:
        customer = Customer()
        customer.capture_all()
        number = next(each for each in gc.get_objects() if isinstance(each, CardNumber))
        customer.start(NUMBER)
        assert (customer.field(NUMBER).masked, customer.session.can_complete) == ("", False)
        assert VISA not in everywhere(customer.session)
        with open_number(number) as digits:
            assert not any(digits)
        customer.key("5555555555554444#")
        assert customer.session.view().brand is Brand.MASTERCARD


class TestSecurityCode:
    @pytest.mark.parametrize(
        ("number", "code", "good"),
        [(VISA, "123", True), (VISA, "1234", False), (AMEX, "1234", True), (AMEX, "123", False)],
    )
    def test_it_is_checked_against_the_number_in_either_order(
        self, number: str, code: str, good: bool
    ) -> None:
        for order in ((NUMBER, CODE), (CODE, NUMBER)):
            customer = Customer()
            for name in order:
                customer.capture(name, number if name is NUMBER else code)
            field = customer.field(CODE)
            assert customer.field(NUMBER).state is FieldState.CAPTURED
            if good:
                assert field.state is FieldState.CAPTURED
            else:
                assert (field.state, field.error) == (FieldState.FAILED, FieldError.INVALID_SECURITY_CODE)
                assert code not in everywhere(customer.session)

    def test_it_dies_by_its_timer(self) -> None:
        customer = Customer()
        customer.capture_all()
        customer.wait(SECURITY_CODE_LIFE_S - 1)
        assert customer.session.view().can_complete
        customer.wait(2)
        assert customer.field(CODE).state is FieldState.IDLE
        assert customer.field(CODE).attempts == 0
        assert not customer.session.view().can_complete
        assert everywhere(customer.session) == [VISA]


class TestTimeOuts:
    def test_first_digit(self) -> None:
        customer = Customer()
        customer.start(NUMBER)
        customer.wait(29.9)
        assert customer.field(NUMBER).state is FieldState.CAPTURING
        customer.wait(0.2)
        assert customer.field(NUMBER).error is FieldError.INPUT_TIMEOUT

    def test_inter_digit(self) -> None:
        customer = Customer()
        customer.start(NUMBER)
        for _ in range(4):
            customer.key("4")
            customer.wait(9.5)
        assert customer.field(NUMBER).dots == 4
        customer.wait(0.6)
        assert customer.field(NUMBER).error is FieldError.INPUT_TIMEOUT

    def test_a_cleared_entry_waits_as_for_a_first_digit(self) -> None:
        customer = Customer()
        customer.start(NUMBER)
        customer.key("4*")
        customer.wait(29)
        assert customer.field(NUMBER).state is FieldState.CAPTURING
        customer.wait(2)
        assert customer.field(NUMBER).error is FieldError.INPUT_TIMEOUT

    def test_the_session_expires_in_mid_field(self) -> None:
        customer = Customer(request(first_digit_timeout_s=600))
        customer.capture_all()
        customer.wait(1790 - 20)
        customer.start(NUMBER)
        customer.wait(40)
        view = customer.session.view()
        assert (view.state, view.reason) == (CaptureState.EXPIRED, EndReason.SESSION_EXPIRED)
        assert everywhere(customer.session) == []
        assert customer.session.deadline is None


class TestAttempts:
    def test_the_last_failure_ends_the_session(self) -> None:
        customer = Customer(request(max_attempts=3))
        customer.capture(EXPIRY, "1230")
        for _ in range(2):
            customer.capture(NUMBER, "4242424242424241")
        assert customer.session.state is CaptureState.OPEN
        customer.start(NUMBER)
        customer.wait(31)
        view = customer.session.view()
        assert (view.state, view.reason) == (CaptureState.FAILED, EndReason.TOO_MANY_ATTEMPTS)
        assert customer.field(NUMBER).error is FieldError.INPUT_TIMEOUT
        assert customer.field(EXPIRY).state is FieldState.IDLE

    def test_a_code_that_the_number_contradicts_counts(self) -> None:
        customer = Customer(request(max_attempts=1))
        customer.capture(CODE, "1234")
        customer.capture(NUMBER, VISA)
        assert customer.session.view().reason is EndReason.TOO_MANY_ATTEMPTS
        assert everywhere(customer.session) == []

    def test_fields_count_apart(self) -> None:
        customer = Customer(request(max_attempts=2))
        customer.capture(NUMBER, "1#")
        customer.capture(EXPIRY, "1")
        customer.capture(CODE, "1")
        assert customer.session.state is CaptureState.OPEN


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

    def test_keys_are_forgotten_soon_after_their_field(self) -> None:
        customer = Customer()
        customer.capture(NUMBER, VISA)
        customer.wait(5)
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
