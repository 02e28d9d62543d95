"""What goes wrong while a card is in hand: databases that fail, a relay that crashes, a desk and a secure process that are killed."""

import asyncio
import contextlib
import signal
import socket
import sqlite3
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Final

import psutil

from tests.boundary.canary.cards import AMEX, MASTERCARD, VISA
from tests.boundary.canary.desk_client import until
from tests.boundary.canary.stage import EXPIRY, CanaryStage
from tests.boundary.canary.zone_tap import ZoneTap
from tests.e2e.house import House
from tonevault.testing.softphone import KeyCarrier

LINES: Final = ("faults", "relay", "desk", "secure")
"""The agents' lines that are called here."""
EXPECTED_IN_LOG: Final = ("a gateway adapter failed", "a card could not be tokenised", "request_failed")
"""What the processes say of the faults; without it they were not provoked."""


@contextlib.contextmanager
def table_away(database: Path, table: str) -> Iterator[None]:
    """The process that owns the database fails at the next statement on the table, with whatever it holds then."""
    with contextlib.closing(sqlite3.connect(database, timeout=10)) as connection:
        connection.execute("PRAGMA legacy_alter_table=ON")
        connection.execute(f"ALTER TABLE {table} RENAME TO {table}_away")
        try:
            yield
        finally:
            connection.execute(f"ALTER TABLE {table}_away RENAME TO {table}")


async def faults_with_a_card_in_hand(stage: CanaryStage, house: House) -> None:
    """The gateway's adapter raises, the vault raises, a request of the desk raises."""
    secure = house.data_dir / "secure"
    async with stage.call("faults") as call:
        session = await call.open_session(1700)
        await call.key_card(session, VISA, KeyCarrier.EVENT)
        with table_away(secure / "simulator.db", "posting"):
            assert (await session.complete())["state"] == "unknown"
        session = await call.open_session(1700)
        await call.key_card(session, MASTERCARD, KeyCarrier.EVENT)
        with table_away(secure / "secure.db", "token"):
            assert (await session.complete())["reason"] == "tokenization_failed"
        with table_away(house.data_dir / "desk" / "desk.db", "customer"):
            assert (await call.desk.ask("GET", "/v1/customers")).status_code == 500


async def relay_crashes(stage: CanaryStage, house: House) -> None:
    """A segmentation fault in the midst of a number: where core dumps were written, this would write one."""
    async with stage.call("relay") as call:
        session = await call.open_session()
        await session.capture("card_number")
        await call.press(VISA.number[:12], KeyCarrier.TONE)
        await session.wait_dots("card_number", 12)
        (relay,) = house.pids["relay"]
        psutil.Process(relay).send_signal(signal.SIGSEGV)
        await session.wait("canceled")
    await asyncio.to_thread(house.wait_again, "relay", relay)


async def desk_is_killed(stage: CanaryStage, house: House, look_first: Callable[[], Awaitable[None]]) -> None:
    """In the midst of the code; the session lives on and is completed by the desk's successor."""
    async with stage.call("desk") as call:
        session = await call.open_session(1800, inter_digit_timeout_s=60.0)
        await call.key_field(session, "card_number", AMEX.number, KeyCarrier.EVENT)
        await session.capture("security_code")
        await call.press(AMEX.code[:2], KeyCarrier.EVENT)
        await look_first()
        killed = await asyncio.to_thread(house.kill, "desk")
        await call.press(f"{AMEX.code[2:]}#", KeyCarrier.EVENT)
        await asyncio.to_thread(house.wait_again, "desk", killed)
        await session.wait_field("security_code")
        await call.key_field(session, "expiry", EXPIRY, KeyCarrier.EVENT)
        assert (await session.complete())["state"] == "succeeded"


async def secure_zone_is_killed(stage: CanaryStage, house: House, tap: ZoneTap) -> None:
    """In the midst of a number. The desk stands still until the tap is back in its place, so that it hears the recovery too."""
    async with stage.call("secure") as call:
        session = await call.open_session(1900)
        await call.key_field(session, "security_code", VISA.code, KeyCarrier.EVENT)
        await session.capture("card_number")
        await call.press(VISA.number[:14], KeyCarrier.EVENT)
        await session.wait_dots("card_number", 14)
        desk = psutil.Process(house.pids["desk"][0])
        desk.suspend()
        try:
            tap.withdraw()
            killed = await asyncio.to_thread(house.kill, "secure")
            await until("secure process again", lambda: _successor_answers(house, killed, tap.path))
            tap.insert()
        finally:
            desk.resume()
        await asyncio.to_thread(house.wait_again, "secure", killed)
        assert (await session.wait("failed"))["reason"] == "interrupted"


async def _successor_answers(house: House, killed: int, path: Path) -> bool | None:
    """For a moment after its death a process of many threads still takes connections; what counts is the next one."""
    if killed in house.pids["secure"] or not house.pids["secure"]:
        return None
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            return None
        return True
