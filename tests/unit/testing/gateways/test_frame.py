"""The doubles' frame: the ledger outlives its double, fate is scripted, standing, asked for by cards, or drawn from a seed."""

from collections import Counter
from pathlib import Path

import httpx
import pytest

from tonevault.cde.gateway import Check, Kind
from tonevault.cde.gateway_codes import Code
from tonevault.testing.gateways import Behaviour, Entry, GatewayDouble, Ledger, Step, Weather
from tonevault.testing.gateways.behaviour import PLAIN, Shown, by_card, card_name
from tonevault.testing.gateways.turn import Reply, Turn


class EchoWire:
    """Pays a pound a request, and answers with its path."""

    name = "echo"

    def answer(self, turn: Turn) -> Reply:
        reference = turn.request.path.strip("/")
        turn.meet(Step.AUTHORISE, reference)
        entry = Entry("acme", f"id-{reference}", Kind.PAYMENT, reference, 100, "GBP", "done", turn.now())
        with turn.ledger.deed():
            turn.ledger.put(entry)
            turn.ledger.move(entry, Kind.PAYMENT, 100, reference, turn.now())
        return Reply(200, turn.request.body or reference.encode(), "text/plain")


def test_what_it_did_is_still_known_to_the_next(tmp_path: Path) -> None:
    for _ in range(2):
        with GatewayDouble(EchoWire(), tmp_path / "ledger.db") as double:
            assert httpx.post(f"{double.url}/one", content=b"body").text == "body"
    ledger = Ledger(tmp_path / "ledger.db")
    assert [each.amount_minor for each in ledger.movements("one")] == [100, 100]
    assert ledger.moved_twice() == ["one"]
    assert [each.state for each in ledger.by_reference("acme", "one")] == ["done"]
    ledger.close()


def test_chunked_bodies_and_kept_connections_are_served(tmp_path: Path) -> None:
    with GatewayDouble(EchoWire(), tmp_path / "ledger.db") as double, httpx.Client() as client:
        assert client.post(f"{double.url}/a", content=iter([b"in ", b"parts"])).text == "in parts"
        assert client.post(f"{double.url}/b").text == "b"


@pytest.mark.parametrize(
    ("behaviour", "moved"), [(Behaviour(arrives=False), 0), (Behaviour(answers=False), 1)]
)
def test_lost_requests_do_nothing_and_lost_answers_have_done_it(
    tmp_path: Path, behaviour: Behaviour, moved: int
) -> None:
    with GatewayDouble(EchoWire(), tmp_path / "ledger.db") as double:
        double.script(Step.AUTHORISE, behaviour)
        with pytest.raises(httpx.RemoteProtocolError):
            httpx.post(f"{double.url}/one")
        assert len(double.ledger.movements("one")) == moved
        assert httpx.post(f"{double.url}/two").text == "two"


def test_a_late_answer_has_moved_its_money_at_once(tmp_path: Path) -> None:
    with GatewayDouble(EchoWire(), tmp_path / "ledger.db") as double:
        double.always(Step.AUTHORISE, Behaviour(delay_s=1.0))
        with pytest.raises(httpx.ReadTimeout):
            httpx.post(f"{double.url}/one", timeout=0.2)
        assert len(double.ledger.movements("one")) == 1
        double.always(Step.AUTHORISE, None)
        assert httpx.post(f"{double.url}/two", timeout=5).text == "two"


def test_weather_is_the_same_for_the_same_seed_and_near_its_shares() -> None:
    weather = Weather(seed=7, lost_requests=0.1, lost_answers=0.2, late_answers=0.3, late_s=2.0)
    again = Weather(seed=7, lost_requests=0.1, lost_answers=0.2, late_answers=0.3, late_s=2.0)
    fates = [weather.befall(PLAIN, Step.AUTHORISE, f"r{place}", 0) for place in range(2000)]
    assert fates == [again.befall(PLAIN, Step.AUTHORISE, f"r{place}", 0) for place in range(2000)]
    counted = Counter((each.arrives, each.answers, each.delay_s) for each in fates)
    assert 150 < counted[False, True, 0.0] < 250
    assert 330 < counted[True, False, 0.0] < 470
    assert 500 < counted[True, True, 2.0] < 700


def test_an_issuer_that_declines_declines_however_often_it_is_asked() -> None:
    weather = Weather(seed=1, declines=0.5)
    assert {weather.declined(f"r{place}") for place in range(50)} == {True, False}


def test_test_cards_ask_for_what_the_simulator_does_with_them() -> None:
    assert by_card(card_name("4242424242424242"), 100, Shown()) == PLAIN
    assert by_card(card_name("4000000000000002"), 100, Shown()).decline is Code.DO_NOT_HONOUR
    wrong = by_card(card_name("4000000000000036"), 100, Shown(postal_code="99999"))
    assert (wrong.decline, wrong.postal_code) == (Code.POSTAL_CODE_MISMATCH, Check.FAILED)
    assert by_card(card_name("4000000000000036"), 100, Shown(postal_code="10001")).decline is None
    assert by_card(card_name("4000000000000036"), 100, Shown()).decline is None
    assert by_card("plain", 100_001, Shown()).decline is Code.INSUFFICIENT_FUNDS
    assert not by_card(card_name("4000000000009029"), 100, Shown()).arrives
    assert by_card("challenged", 100, Shown(), by_telephone=False).challenge


def test_a_card_name_holds_no_digits_of_the_card() -> None:
    assert all(
        len(card_name(number)) <= 10
        for number in ("4242424242424242", "4000002500003155", "4111111111111111")
    )
