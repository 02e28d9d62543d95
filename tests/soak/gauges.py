"""What each process of the product holds: memory, open files, sockets, threads. Needs root, CAP_SYS_PTRACE or sudo without a password,
because these processes let nobody of their own user look into them."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_ROOT: Final = Path(__file__).resolve().parents[2]
_LIMIT_S: Final = 30.0


class UnreadableError(Exception):
    """A process has ended, or this machine lets nobody look."""


@dataclass(frozen=True, slots=True)
class Gauges:
    """Of one process at one moment. `memory` is its own in octets: resident, without what it shares with others."""

    memory: int
    files: int
    sockets: int
    threads: int


def read_gauges(pids: Sequence[int]) -> dict[int, Gauges]:
    """What each of the processes holds. Raises UnreadableError."""
    if os.geteuid() == 0:
        return {pid: _look(pid) for pid in pids}
    command = ["sudo", "-n", sys.executable, "-m", "tests.soak.gauges", *map(str, pids)]
    if shutil.which("sudo") is None:
        command = command[2:]
    done = subprocess.run(command, cwd=_ROOT, capture_output=True, timeout=_LIMIT_S, check=False)
    if done.returncode != 0:
        raise UnreadableError(
            "looking into the processes needs root, CAP_SYS_PTRACE or sudo without a password"
        )
    return {int(pid): Gauges(**found) for pid, found in json.loads(done.stdout).items()}


def _look(pid: int) -> Gauges:
    place = Path(f"/proc/{pid}")
    try:
        lines = (place / "smaps_rollup").read_text(encoding="ascii").splitlines()
        own = sum(
            int(line.split()[1]) for line in lines if line.startswith(("Private_Clean", "Private_Dirty"))
        )
        links = [_target(each) for each in (place / "fd").iterdir()]
        threads = sum(1 for _ in (place / "task").iterdir())
    except OSError as fault:
        raise UnreadableError(f"process {pid}: {fault.strerror}") from None
    sockets = sum(link.startswith("socket:") for link in links)
    return Gauges(1024 * own, len([each for each in links if each]) - sockets, sockets, threads)


def _target(link: Path) -> str:
    try:
        return str(link.readlink())
    except OSError:
        # Closed since the folder was listed.
        return ""


if __name__ == "__main__":
    counted = {pid: _look(int(pid)) for pid in sys.argv[1:]}
    sys.stdout.write(
        json.dumps(
            {
                pid: {"memory": g.memory, "files": g.files, "sockets": g.sockets, "threads": g.threads}
                for pid, g in counted.items()
            }
        )
    )
