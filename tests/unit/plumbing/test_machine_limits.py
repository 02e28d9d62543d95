"""What the machine allows: the least of memory and control groups; a limit of files that is raised and never lowered."""

import resource
import subprocess
import sys
from pathlib import Path

import pytest

from tonevault.plumbing import machine_limits as module
from tonevault.plumbing.machine_limits import machine_limits


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    (tmp_path / "meminfo").write_text("MemTotal:       8000 kB\nMemFree: 1 kB\n")
    (tmp_path / "cgroup").write_text("0::/system.slice/tonevault.service\n")
    (tmp_path / "fs" / "system.slice" / "tonevault.service").mkdir(parents=True)
    monkeypatch.setattr(module, "MEMORY_TABLE", tmp_path / "meminfo")
    monkeypatch.setattr(module, "OWN_CGROUP", tmp_path / "cgroup")
    monkeypatch.setattr(module, "CGROUPS", tmp_path / "fs")
    return tmp_path


def test_memory_is_the_machines_where_no_group_limits_it(machine: Path) -> None:
    (machine / "fs" / "system.slice" / "memory.max").write_text("max\n")
    assert machine_limits().memory == 8_000 * 1024


@pytest.mark.parametrize("group", ["system.slice/tonevault.service", "system.slice", "."])
def test_memory_is_what_the_strictest_group_allows(machine: Path, group: str) -> None:
    (machine / "fs" / group / "memory.max").write_text("4096000\n")
    assert machine_limits().memory == 4_096_000


def test_what_is_not_told_is_no_limit(machine: Path) -> None:
    (machine / "meminfo").unlink()
    (machine / "cgroup").unlink()
    assert machine_limits().memory is None


def test_files_are_those_of_this_process() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    told = machine_limits()
    assert told.files == soft
    assert told.files_at_most == (None if hard == resource.RLIM_INFINITY else hard)


RAISED = """
import resource
from tonevault.plumbing.machine_limits import raise_file_limit
resource.setrlimit(resource.RLIMIT_NOFILE, (64, 200))
for wanted in (100, 80, 1000):
    raise_file_limit(wanted)
    print(resource.getrlimit(resource.RLIMIT_NOFILE)[0])
"""


def test_the_limit_of_files_is_raised_up_to_the_hard_one_and_never_lowered() -> None:
    ran = subprocess.run([sys.executable, "-c", RAISED], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == ["100", "100", "200"]
