"""A program that charges cards through an SDK, destroys them, and searches its own memory for what is left of them.

`python -m tests.boundary.gateway_memory stripe` charges over TLS and prints how many cards were found whole, and how many by nine
digits of them; then the same of one that it has kept as a `str`, to prove the search.
"""

import asyncio
import gc
import os
import random
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.e2e.peers.certificate import make_certificate
from tests.till import ACCOUNT, EXPIRY
from tonevault.cde.gateway import Authorisation, CardInHand, Gateway, Verdict
from tonevault.cde.sealed.card_number import CardNumber
from tonevault.cde.sealed.security_code import SecurityCode
from tonevault.kernel.ids import ATTEMPT, make_id
from tonevault.kernel.money import Money
from tonevault.plumbing.clock import WallClock
from tonevault.plumbing.entropy import SYSTEM_ENTROPY

CARDS = 40
RUN = 9
"""Digits in a row that no chance brings about: with seven, a hundred cards meet a few by chance."""
MASK = 0x5A
"""What the cards are kept under for the search, so that it does not find its own list."""
UNREADABLE = ("[vvar]", "[vvar_vclock]", "[vsyscall]")


def fresh_card(chance: random.Random) -> bytearray:
    """A valid number that nobody has seen, made without a `str` or `bytes` of it."""
    digits = bytearray(b"4000000000000000")
    for place in range(6, 15):
        digits[place] = 0x30 + chance.randrange(10)
    total = 0
    for place in range(15):
        value = (digits[14 - place] - 0x30) * (2 if place % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    digits[15] = 0x30 + -total % 10
    return digits


def open_gateway(name: str, url: str) -> Gateway:
    if name == "stripe":
        from tonevault.cde.gateways.stripe import StripeGateway  # noqa: PLC0415 - the other SDK stays out

        return StripeGateway("sk_test_memory", WallClock(), base_url=url)
    from tonevault.cde.gateways.braintree import BraintreeAccess, BraintreeGateway  # noqa: PLC0415

    access = BraintreeAccess("memory", "public", "private", {"GBP": "test-gbp"}, url)
    return BraintreeGateway(ACCOUNT, access, WallClock())


async def charge(gateway: Gateway, digits: bytearray) -> None:
    number, code = CardNumber(digits), SecurityCode(bytearray(b"737"))
    reference = make_id(ATTEMPT, 0, SYSTEM_ENTROPY)
    card = CardInHand(number, EXPIRY, code)
    answer = await gateway.authorise(Authorisation(ACCOUNT, reference, Money(1000, "GBP"), card))
    assert answer.verdict is Verdict.APPROVED
    number.destroy()
    code.destroy()


async def charge_all(gateway: Gateway, cards: list[bytearray]) -> None:
    for place in range(0, len(cards), 5):
        await asyncio.gather(*(charge(gateway, each) for each in cards[place : place + 5]))
    await gateway.close()


def digit_runs() -> bytes:
    """Every run of nine digits or more in the readable memory of this process, a line each."""
    runs = []
    with Path("/proc/self/mem").open("rb", buffering=0) as memory:
        for line in Path("/proc/self/maps").read_text().splitlines():
            span, rights, *_ = line.split(maxsplit=5)
            if "r" not in rights or line.endswith(UNREADABLE):
                continue
            low, high = (int(each, 16) for each in span.split("-"))
            try:
                memory.seek(low)
                runs += re.findall(rb"[0-9]{%d,}" % RUN, memory.read(high - low))
            except (OSError, OverflowError):
                continue
    return b"\n".join(runs)


def search(masked: list[bytearray]) -> tuple[int, int]:
    """How many cards are there whole, and how many by a run of their digits."""
    gc.collect()
    found = digit_runs()
    whole = part = 0
    for each in masked:
        digits = bytes(byte ^ MASK for byte in each)
        whole += digits in found
        part += any(digits[start : start + RUN] in found for start in range(2, 16 - RUN))
    return whole, part


def main() -> None:
    """Charge, search, say what was found."""
    name = sys.argv[1]
    chance = random.Random(os.urandom(8))
    cards = [fresh_card(chance) for _ in range(CARDS)]
    masked = [bytearray(byte ^ MASK for byte in each) for each in cards]
    kept = fresh_card(chance)
    planted, masked_plant = kept.decode(), bytearray(byte ^ MASK for byte in kept)
    with tempfile.TemporaryDirectory() as folder:
        certificate = make_certificate(Path(folder))
        # Whom httpx trusts, besides nobody else.
        os.environ["SSL_CERT_FILE"] = str(certificate.certificate_path)
        double = subprocess.Popen(
            [
                *(
                    sys.executable,
                    "-m",
                    "tonevault.testing.gateways",
                    name,
                    "--ledger",
                    f"{folder}/double.db",
                ),
                *("--certificate", str(certificate.certificate_path), "--key", str(certificate.key_path)),
            ],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert double.stdout is not None
        try:
            asyncio.run(charge_all(open_gateway(name, double.stdout.readline().strip()), cards))
            counts = (*search(masked), *search([masked_plant]))
        finally:
            double.terminate()
            double.wait()
    assert len(planted) == len(kept)
    sys.stdout.write(" ".join(str(each) for each in counts) + "\n")


if __name__ == "__main__":
    main()
