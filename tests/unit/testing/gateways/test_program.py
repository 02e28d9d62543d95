"""The double as a program: it says where it listens, outlives its peers, ends when asked, and its ledger stays."""

import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tonevault.testing.gateways import WIRES, Ledger


@pytest.mark.parametrize("wire", WIRES)
def test_it_serves_until_it_is_ended(tmp_path: Path, wire: str) -> None:
    ledger = tmp_path / "ledger.db"
    arguments = [
        sys.executable,
        "-m",
        "tonevault.testing.gateways",
        wire,
        "--ledger",
        str(ledger),
        "--seed",
        "3",
    ]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        url = program.stdout.readline().strip()
        try:
            assert httpx.get(f"{url}/v1/events", timeout=60).status_code >= 400
        finally:
            program.terminate()
        assert program.wait(60) == 0
    kept = Ledger(ledger)
    assert kept.movements() == []
    kept.close()
