"""The simulator's delays, silences and lags, measured on simulated time; and the gateway without idempotency that it can play."""

import asyncio
from pathlib import Path

import pytest
from tests.till import ACCOUNT, EXPIRY, SimulatedClock, code, number

from tonevault.cde.gateway import Authorisation, CardInHand, GatewayAnswer, Kind, Made, Verdict
from tonevault.cde.gateways.simulator import SimulatorGateway
from tonevault.cde.gateways.simulator.adapter import VISIBILITY_LAG_S
from tonevault.cde.gateways.simulator.cards import CARDS
from tonevault.cde.gateways.simulator.outcomes import LOOK_UP_LAG_S, SILENT_LOOK_UP_S
from tonevault.kernel.money import Money


def ask(
    folder: Path, digits: bytes, *, idempotent: bool = True, times: int = 1, look_after: float = 0.0
) -> tuple[list[GatewayAnswer], GatewayAnswer | None, int, float]:
    """Authorise a card; the answers, what a look-up `look_after` seconds after the request says, movements, seconds waited."""

    async def whole() -> tuple[list[GatewayAnswer], GatewayAnswer | None, int, float]:
        clock = SimulatedClock()
        gateway = SimulatorGateway(folder / "s.db", clock, sleep=clock.sleep, idempotent=idempotent)
        card = CardInHand(number(digits), EXPIRY, code())
        asked = Authorisation(ACCOUNT, "att_one", Money(1250, "GBP"), card)
        answers = [await gateway.authorise(asked) for _ in range(times)]
        waited = clock.monotonic()
        clock.advance(look_after - waited)
        found = await gateway.look_up(Made(ACCOUNT, "att_one", Kind.PAYMENT, asked.money, clock.utc()))
        moved = len(await gateway.movements(ACCOUNT))
        await gateway.close()
        return answers, found, moved, waited

    return asyncio.run(whole())


@pytest.mark.parametrize(
    ("digits", "seconds"), [(b"4242424242424242", 0), (b"4000000000002024", 2), (b"4000000000005050", 5)]
)
def test_delays_are_as_documented(tmp_path: Path, digits: bytes, seconds: float) -> None:
    answers, _, moved, waited = ask(tmp_path, digits)
    assert (answers[0].verdict, moved, waited) == (Verdict.APPROVED, 1, seconds)


@pytest.mark.parametrize("digits", [b"4000000000009003", b"4000000000009011", b"4000000000009029"])
def test_silence_lasts_as_long_as_the_adapter_listens(tmp_path: Path, digits: bytes) -> None:
    answers, _, _, waited = ask(tmp_path, digits)
    assert (answers[0].verdict, waited) == (Verdict.UNKNOWN, 10.0)


def test_a_lagging_payment_is_not_found_and_then_is(tmp_path: Path) -> None:
    digits = b"4000000000009037"
    _, early, moved, _ = ask(tmp_path, digits, look_after=LOOK_UP_LAG_S - 1)
    assert (early, moved) == (None, 1)
    (tmp_path / "later").mkdir()
    _, late, _, _ = ask(tmp_path / "later", digits, look_after=LOOK_UP_LAG_S)
    assert late is not None
    assert late.verdict is Verdict.APPROVED


def test_a_silent_look_up_is_unknown_and_not_an_absence(tmp_path: Path) -> None:
    _, early, _, _ = ask(tmp_path, b"4000000000009045", look_after=SILENT_LOOK_UP_S - 1)
    assert early is not None
    assert early.verdict is Verdict.UNKNOWN


def test_no_lag_is_longer_than_the_one_declared() -> None:
    assert max(card.outcome.look_up_lag_s for card in CARDS) < VISIBILITY_LAG_S


def test_played_without_idempotency_a_resent_request_moves_money_again(tmp_path: Path) -> None:
    _, _, moved, _ = ask(tmp_path, b"4242424242424242", idempotent=False, times=3)
    assert moved == 3
