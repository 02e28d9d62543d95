"""The memory of a running process, as root sees it, and the proof that nobody else does."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tests.boundary.canary.memory_reader import RECORD

_ROOT: Final = Path(__file__).resolve().parents[3]
_READER: Final = ("-m", "tests.boundary.canary.memory_reader")
_LIMIT_S: Final = 60.0
LEAST_BYTES: Final = 5_000_000
"""A Python process has more than this to show; less means that it was not read."""


class MemoryUnreadableError(Exception):
    """The process ended, or this machine lets nobody read it."""


def read_memory(pid: int) -> Iterator[tuple[int, bytes]]:
    """Each region as address and content. Needs root, CAP_SYS_PTRACE or sudo without a password."""
    command = [sys.executable, *_READER, str(pid)]
    if os.geteuid() != 0 and shutil.which("sudo"):
        command = ["sudo", "-n", *command]
    done = subprocess.run(command, cwd=_ROOT, capture_output=True, timeout=_LIMIT_S, check=False)
    if done.returncode != 0 or len(done.stdout) < LEAST_BYTES:
        raise MemoryUnreadableError(
            f"reading the memory of a process needs root, CAP_SYS_PTRACE or sudo without a password "
            f"({done.returncode}, {len(done.stdout)} bytes)"
        )
    at = 0
    while at < len(done.stdout):
        address, length = RECORD.unpack_from(done.stdout, at)
        at += RECORD.size
        yield address, done.stdout[at : at + length]
        at += length


def is_closed_to_its_user(pid: int) -> bool:
    """Whether a process of the same user, without root's privileges, is refused this process's memory."""
    command = ["setpriv", "--bounding-set=-all", "--inh-caps=-all", sys.executable, *_READER, str(pid)]
    if os.geteuid() != 0:
        command = [sys.executable, *_READER, str(pid)]
    done = subprocess.run(command, cwd=_ROOT, capture_output=True, timeout=_LIMIT_S, check=False)
    return done.returncode != 0 and b"PermissionError" in done.stderr and not done.stdout
