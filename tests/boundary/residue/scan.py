"""Has a process charge cards, then reads all of its memory for what is left of them.

All cards share eleven digits that nothing else produces, so that one search finds any of them, whole or in part. All have one security
code: three digits are in any memory by chance, so their count is compared with those of codes that no card had.
"""

import os
import random
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.boundary.canary.cards import Canary, with_check_digit
from tests.boundary.canary.memory import read_memory
from tests.boundary.canary.search import Search
from tests.boundary.residue.charger import Share
from tests.e2e.peers.certificate import Certificate, make_certificate

ROOT: Final = Path(__file__).resolve().parents[3]
CORE: Final = "85037946261"
"""The digit after the first six begins no last four here: the two stand side by side in a database's page, and both may be shown."""
CODE: Final = b"073"
CONTROLS: Final = frozenset(b"0%02d" % number for number in range(100)) - {CODE, b"000"}
"""Codes that no card had; `000` stands in every number of thousands."""
ALONE: Final = re.compile(rb"(?<![0-9A-Za-z.,:_-])0[0-9]{2}(?![0-9A-Za-z.,:_-])")


@dataclass(frozen=True, slots=True)
class Residue:
    """What was found: pieces of numbers by encoding, the code, and what chance would have of a code."""

    charges: int
    megabytes: int
    numbers: Counter[str]
    code: int
    chance_most: int

    @property
    def is_clean(self) -> bool:
        """Whether nothing of a number is there, and no more of the code than chance has of others."""
        return not self.numbers and self.code <= self.chance_most


def card(number: int) -> bytes:
    """The n-th card, and its code."""
    return with_check_digit(f"4{CORE}{number:03d}").encode() + CODE


def scan(charges: Mapping[str, int], folder: Path, *, plant: bool = False, tls: bool = False) -> Residue:
    """Charge so many cards through a gateway of each kind, and search the memory of the one process that did."""
    folder.mkdir(parents=True, exist_ok=True)
    certificate = make_certificate(folder) if tls else None
    with ExitStack() as stack:
        shares = [
            Share(kind, stack.enter_context(_double(kind, folder, certificate)), count)
            for kind, count in charges.items()
        ]
        process = stack.enter_context(_charger(shares, folder, certificate, plant=plant))
        assert process.stdin is not None
        assert process.stdout is not None
        order = list(range(sum(charges.values())))
        random.Random(1).shuffle(order)
        for number in order:
            process.stdin.write(card(number))
        process.stdin.close()
        said = process.stdout.readline().split()
        if said[:1] != [b"done"]:
            raise RuntimeError("the charges did not come to their end")
        return _search(process.pid, int(said[1]))


def _search(pid: int, charges: int) -> Residue:
    search = Search((Canary("charged", with_check_digit(f"4{CORE}000"), "0"),))
    numbers: Counter[str] = Counter()
    codes: Counter[bytes] = Counter()
    size = 0
    for _, content in read_memory(pid):
        size += len(content)
        numbers.update(finding.encoding for finding in search.run("memory", content))
        codes.update(ALONE.findall(content))
    return Residue(charges, size >> 20, numbers, codes[CODE], max(codes[each] for each in CONTROLS))


@contextmanager
def _charger(
    shares: list[Share], folder: Path, certificate: Certificate | None, *, plant: bool
) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "tests.boundary.residue.charger", str(folder)]
    trust = {} if certificate is None else {"SSL_CERT_FILE": str(certificate.certificate_path)}
    process = subprocess.Popen(
        [*command, "plant" if plant else "clean", *(each.word() for each in shares)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=os.environ | trust,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()


@contextmanager
def _double(kind: str, folder: Path, certificate: Certificate | None) -> Iterator[str]:
    """The gateway's double in a process of its own; the simulator needs none."""
    if kind == "simulator":
        yield "-"
        return
    command = [
        sys.executable,
        "-m",
        "tonevault.testing.gateways",
        kind,
        "--ledger",
        str(folder / f"{kind}.db"),
    ]
    if certificate is not None:
        command += ["--certificate", str(certificate.certificate_path), "--key", str(certificate.key_path)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
    finally:
        process.terminate()
        process.communicate()
