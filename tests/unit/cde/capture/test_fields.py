"""Fields of the session machine: dots, masks, every error, the security code and its number, time-outs and attempts."""

import gc
from datetime import timedelta

import pytest
from tests.unit.cde.capture.customer import (
    AMEX,
    CODE,
    EXPIRY,
    NUMBER,
    POSTAL,
    VISA,
    Customer,
    everywhere,
    request,
)

from tonevault.boundary.captures import CaptureState, EndReason, FieldError, FieldName, FieldState
from tonevault.cde.capture.session import SECURITY_CODE_LIFE_S
from tonevault.cde.sealed.card_number import CardNumber
from tonevault.cde.sealed.warrant import open_number
from tonevault.kernel.card import Brand


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
