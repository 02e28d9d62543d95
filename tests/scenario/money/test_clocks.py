"""Clocks that disagree: two secure nodes are never quite at one, and one is set back. What came later still counts later."""

from datetime import timedelta
from pathlib import Path

from tests.scenario.money.shop import Shop, play

VISA = "4242424242424242"


def test_a_capture_under_an_earlier_clock_is_seen(tmp_path: Path) -> None:
    async def story(shop: Shop) -> None:
        held = await shop.take(VISA, capture="manual")
        charge = held["charge"]["id"]
        assert held["charge"]["state"] == "authorised"
        # Nothing but the time of day is another: spans go on.
        shop.stage.clock._now -= timedelta(seconds=2)
        assert (await shop.post(f"/v1/charges/{charge}/capture", {"amount": 1000}))["state"] == "succeeded"

        async def taken() -> dict[str, object] | None:
            found = await shop.get(f"/v1/charges/{charge}")
            return found if found["state"] == "succeeded" else None

        found = await shop.until(taken)
        assert (found["amount_captured"], found["amount_refunded"]) == (1000, 0)
        shop.stage.clock._now -= timedelta(seconds=2)
        assert (await shop.post(f"/v1/charges/{charge}/refund", {"amount": 400}))["state"] == "succeeded"

        async def given_back() -> dict[str, object] | None:
            found = await shop.get(f"/v1/charges/{charge}")
            return found if found["amount_refunded"] == 400 else None

        assert (await shop.until(given_back))["state"] == "partially_refunded"

    play(tmp_path, story)
