"""What stands between callers and callee in benchmarks/call_setup.py: the product's secure process with its relay, or sippy's B2BUA."""

import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Final, Self

import psutil
from benchmarks.peers.detector import PeerMissingError
from benchmarks.peers.sipp_load import HOST

from tonevault.app.databases import upgrade_zones
from tonevault.app.embedded import places, prepare_boundary
from tonevault.app.settings import TonevaultSettings
from tonevault.plumbing.settings import load

START_S: Final = 30.0
END_S: Final = 10.0
MEDIA_FIRST, MEDIA_LAST = 30_000, 49_999
SIPPY: Final = (
    Path(os.environ.get("TONEVAULT_BENCH_CACHE", Path.home() / ".cache" / "tonevault-bench")) / "sippy"
)

_CONFIGURATION: Final = """data_dir = "{folder}"

[log]
level = "INFO"

[[accounts]]
id = "acme"
name = "Acme Ltd"
country_code = "44"

[secure.sip]
listen = ["udp:{host}:{port}"]

[secure.media]
address = "{host}"
first_port = {first}
last_port = {last}

[[secure.routes]]
name = "support"
account = "acme"
peers = ["127.0.0.0/8"]
to = "sip:{host}:{callee}"
max_calls = 100000

[desk]
listen = "{host}:{desk}"
"""


class Switch:
    """A process that takes calls on `port`, on one core."""

    name = ""

    def __init__(
        self, command: list[str], folder: Path, port: int, core: int, environment: dict[str, str]
    ) -> None:
        self.port = port
        self._log = (folder / f"{self.name}.log").open("wb")
        self._process = subprocess.Popen(
            ["taskset", "-c", str(core), *command],
            cwd=folder,
            env={**os.environ, **environment},
            stdout=self._log,
            stderr=subprocess.STDOUT,
        )
        deadline = time.monotonic() + START_S
        while not _is_taken(port):
            if time.monotonic() > deadline or self._process.poll() is not None:
                self.stop()
                raise RuntimeError(f"{self.name} did not start; see {folder}")
            time.sleep(0.05)

    def cpu_s(self) -> tuple[float, float]:
        """CPU seconds so far, of the process, and of all that it started."""
        main = psutil.Process(self._process.pid)
        return _cpu_s(main), sum(_cpu_s(each) for each in main.children(recursive=True))

    def memory_mb(self) -> float:
        """Resident memory of the signalling process alone."""
        return psutil.Process(self._process.pid).memory_info().rss / 2**20

    def stop(self) -> None:
        """End it."""
        self._process.terminate()
        try:
            self._process.wait(END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._log.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


class Tonevault(Switch):
    """The secure zone as `tonevault serve` runs it: edge, capture, vault and their database, and a relay worker on a core of its own."""

    name = "tonevault"

    def __init__(self, folder: Path, port: int, callee: int, core: int, worker_core: int) -> None:
        configuration = folder / "tonevault.toml"
        configuration.write_text(
            _CONFIGURATION.format(
                folder=folder / "data",
                host=HOST,
                port=port,
                callee=callee,
                desk=port + 1,
                first=MEDIA_FIRST,
                last=MEDIA_LAST,
            )
        )
        settings = load(TonevaultSettings, configuration, {})
        prepare_boundary(places(settings))
        upgrade_zones(settings, "secure")
        command = [str(Path(sys.executable).with_name("tonevault")), "--config", str(configuration), "secure"]
        super().__init__(command, folder, port, core, {})
        for worker in psutil.Process(self._process.pid).children(recursive=True):
            worker.cpu_affinity([worker_core])


class Sippy(Switch):
    """Its simple B2BUA, which has no media at all, with its log off."""

    name = "sippy"

    def __init__(self, folder: Path, port: int, callee: int, core: int, worker_core: int) -> None:  # noqa: ARG002
        if not SIPPY.is_dir() or shutil.which("taskset") is None:
            raise PeerMissingError("sippy is not installed; run scripts/install-bench-peers")
        command = [sys.executable, "-m", "sippy.b2bua_simple", "-f"]
        command += ["-l", HOST, "-p", str(port), "-n", f"{HOST}:{callee}"]
        super().__init__(command, folder, port, core, {"PYTHONPATH": str(SIPPY), "SIPLOG_BEND": "none"})


def _cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def _is_taken(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((HOST, port))
        except OSError:
            return True
    return False
