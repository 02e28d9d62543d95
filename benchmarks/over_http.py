"""How many charges a second does the running product take over HTTP: at its API, and at the narrow interface alone?

    python benchmarks/over_http.py [--quick] [--database sqlite|postgresql|both]

`tonevault serve` runs as it is deployed: both zones as processes, commits that wait for the disk, the simulator as the gateway (its own
ledger is durable too). The callers of the API keep one connection each to `POST /v1/charges`; each charge passes the desk, the narrow
interface, the vault, the simulator, and the desk's books. Then the desk's own client asks the narrow interface (a private Unix socket)
for charges, without the desk. The callers share the machine's processors with the product; what they take themselves is printed.
No route takes a card: cards are keyed by telephone, and become tokens within the secure process (vault.py measures that).
"""

import argparse
import asyncio
import json
import secrets
import statistics
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import uvloop

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.lines.running_product import ACCOUNT, Running, running_product
from benchmarks.lines.vault_place import cards

from tonevault.boundary.charges import Amount, ChargeRequest, ChargeState
from tonevault.boundary.problems import SecureZoneError
from tonevault.desk.secure_zone import HttpSecureZone
from tonevault.kernel.ids import CHARGE, ChargeId, make_id
from tonevault.plumbing.entropy import SYSTEM_ENTROPY

TOKENS: Final = 256
CALLERS: Final = (1, 32, 128)
CHARGES: Final = {1: 100, 32: 1_500, 128: 2_000}
ROUNDS: Final = 3
"""The machine is never quiet: the two ways take turns, and medians are told."""
HEADINGS: Final = (
    "database",
    "callers",
    "way",
    "charges/s",
    "p50 ms",
    "p99 ms",
    "refused",
    "caller's CPU ms",
)

Ask = Callable[[int], Awaitable[bool]]
"""Asks for one charge; whether it was made. One that was not is counted, for a product that is overrun may refuse."""


class ApiCaller:
    """One connection to the API; as little of a client as can be, so that the product is measured and not it."""

    def __init__(self, where: Running) -> None:
        self._where = where
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def charge(self, number: int) -> bool:
        """Charge a token, and see that it was charged."""
        body = json.dumps(
            {
                "token": self._where.tokens[number % TOKENS],
                "amount": 100 + number % 5_000,
                "currency": "GBP",
            }
        )
        status, answer = await self._post("/v1/charges", body.encode())
        return status == 201 and json.loads(answer)["state"] == "succeeded"

    async def _post(self, path: str, body: bytes) -> tuple[int, bytes]:
        if self._streams is None:
            self._streams = await asyncio.open_connection(*self._where.desk)
        reader, writer = self._streams
        head = (
            f"POST {path} HTTP/1.1\r\nHost: desk\r\nAuthorization: Bearer {self._where.key}\r\n"
            f"Idempotency-Key: {secrets.token_urlsafe(12)}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        writer.write(head.encode() + body)
        answer = await reader.readuntil(b"\r\n\r\n")
        fields = dict(line.split(b": ", 1) for line in answer.lower().split(b"\r\n")[1:] if line)
        return int(answer.split(b" ", 2)[1]), await reader.readexactly(int(fields[b"content-length"]))

    def close(self) -> None:
        """Hang up; the next charge calls again. The desk hangs up by itself when nothing comes for some seconds."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


async def charge_inside(zone: HttpSecureZone, where: Running, number: int) -> bool:
    """The narrow interface's own route for a charge."""
    request = ChargeRequest(
        charge_id=ChargeId(make_id(CHARGE, int(time.time() * 1000), SYSTEM_ENTROPY)),
        account_id=ACCOUNT,
        token_id=where.tokens[number % TOKENS],
        amount=Amount(amount_minor=100 + number % 5_000, currency="GBP"),
    )
    try:
        return (await zone.charge(request)).state is ChargeState.SUCCEEDED
    except SecureZoneError:
        return False


@dataclass(frozen=True)
class Run:
    """Charges made a second, each request's milliseconds, how many made no charge, and a caller's milliseconds of processor."""

    rate: float
    took: list[float]
    refused: int
    cpu_ms: float


async def timed(callers: Sequence[Ask], count: int) -> Run:
    """Ask for so many charges."""
    numbers = iter(range(count))
    took: list[float] = []
    made = 0

    async def call(ask: Ask) -> None:
        nonlocal made
        for number in numbers:
            begun = time.perf_counter()
            is_made = await ask(number)
            made += is_made
            took.append((time.perf_counter() - begun) * 1000)

    start, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*(call(ask) for ask in callers))
    passed, spent = time.perf_counter() - start, time.process_time() - cpu
    return Run(made / passed, took, count - made, spent * 1000 / count)


async def measure(where: Running, *, quick: bool) -> None:
    """Print the lines of one database."""
    zone = HttpSecureZone.on_unix_socket(where.socket, where.boundary_secret)
    desks = [ApiCaller(where) for _ in range(max(CALLERS))]

    async def inside(number: int) -> bool:
        return await charge_inside(zone, where, number)

    await timed([each.charge for each in desks[:8]], TOKENS)
    for callers in CALLERS:
        count = CHARGES[callers] // (10 if quick else 1)
        ways: dict[str, list[Ask]] = {
            "API": [each.charge for each in desks[:callers]],
            "narrow interface": [inside] * callers,
        }
        found: dict[str, list[Run]] = {name: [] for name in ways}
        for _ in range(1 if quick else ROUNDS):
            for name, asks in ways.items():
                found[name].append(await timed(asks, count))
                for each in desks:
                    each.close()
        for name, rounds in found.items():
            cuts = statistics.quantiles([each for run in rounds for each in run.took], n=100)
            rate = statistics.median(run.rate for run in rounds)
            cpu = statistics.median(run.cpu_ms for run in rounds)
            refused = sum(run.refused for run in rounds)
            print(
                f"{where.name:<12}{callers:>8}  {name:<18}{rate:>10,.0f}{cuts[49]:>10.1f}{cuts[98]:>10.1f}{refused:>9}{cpu:>17.2f}",
                flush=True,
            )
    await zone.close()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--quick", action="store_true", help="a tenth of the charges")
    parser.add_argument("--database", choices=["sqlite", "postgresql", "both"], default="both")
    chosen = parser.parse_args()
    names = {"sqlite": ["SQLite"], "postgresql": ["PostgreSQL"], "both": ["SQLite", "PostgreSQL"]}
    widths = (12, 8, 18, 10, 10, 10, 9, 17)
    heads = [f"{HEADINGS[0]:<12}", f"{HEADINGS[1]:>8}  ", f"{HEADINGS[2]:<18}"]
    print(
        "".join([*heads, *(f"{head:>{width}}" for head, width in zip(HEADINGS[3:], widths[3:], strict=True))])
    )
    for name in names[chosen.database]:
        with running_product(name, cards(TOKENS, 7)) as where:
            uvloop.run(measure(where, quick=chosen.quick))


if __name__ == "__main__":
    main()
