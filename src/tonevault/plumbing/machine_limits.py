"""What the machine and its manager allow this process: open files, memory. It asks Linux, and refuses to guess where Linux does not say."""

import resource
from dataclasses import dataclass
from pathlib import Path
from typing import Final

CGROUPS: Final = Path("/sys/fs/cgroup")
MEMORY_TABLE: Final = Path("/proc/meminfo")
OWN_CGROUP: Final = Path("/proc/self/cgroup")


@dataclass(frozen=True, slots=True)
class MachineLimits:
    """Open files that a process has and that it may allow itself, and octets of memory; None where there is no limit or none is told."""

    files: int
    files_at_most: int | None
    memory: int | None


def machine_limits() -> MachineLimits:
    """As they are now."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    told = [each for each in (_whole_memory(), *_cgroup_limits()) if each is not None]
    return MachineLimits(soft, None if hard == resource.RLIM_INFINITY else hard, min(told) if told else None)


def raise_file_limit(wanted: int) -> None:
    """Raise this process's limit of open files to `wanted`, as far as the hard limit allows; never lower it. Children inherit it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY:
        wanted = min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _whole_memory() -> int | None:
    """The machine's, by proc(5)."""
    try:
        table = MEMORY_TABLE.read_text(encoding="ascii")
    except OSError:
        return None
    row = next((line for line in table.splitlines() if line.startswith("MemTotal:")), None)
    return None if row is None else int(row.split()[1]) * 1024


def _cgroup_limits() -> list[int | None]:
    """What containers and systemd's MemoryMax allow: of this process's group and each above it, in cgroup version 2."""
    try:
        row = OWN_CGROUP.read_text(encoding="ascii").splitlines()[-1]
    except (OSError, IndexError):
        return []
    own = CGROUPS / row.rpartition(":")[2].lstrip("/")
    groups = [own, *(each for each in own.parents if each.is_relative_to(CGROUPS))]
    return [_number(group / "memory.max") for group in groups]


def _number(path: Path) -> int | None:
    try:
        text = path.read_text(encoding="ascii").strip()
    except OSError:
        return None
    return int(text) if text.isdigit() else None
