"""What a process of Tonevault does to itself at its start: die with its parent, leave no core dump, make its files private."""

import ctypes
import os
import resource
import signal
import sys
from typing import Final

PR_SET_PDEATHSIG: Final = 1
PR_SET_DUMPABLE: Final = 4
PR_SET_TIMERSLACK: Final = 29
"""prctl(2), Linux."""


def harden_process() -> None:
    """No core dumps, no reading of this process's memory by others of the same user, files private to the user (PCI DSS 3.5.1)."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.umask(0o077)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)


def sleep_exactly() -> None:
    """Have the kernel wake this thread when it asked to be woken, to the nanosecond, and not up to 50 µs later together with others."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0)


def die_with_parent(parent_pid: int) -> None:
    """Have the kernel end this process when `parent_pid` ends; a parent that is gone already ends it now."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(signal.SIGTERM), 0, 0, 0)
    if os.getppid() != parent_pid:
        os.kill(os.getpid(), signal.SIGTERM)
