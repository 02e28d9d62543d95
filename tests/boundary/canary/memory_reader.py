"""A program of its own: writes the memory of a process to standard output, for `memory`.

The product's processes forbid it to their own user, so this one needs CAP_SYS_PTRACE: it can be started through sudo, while the tests
need not be root.
"""

import contextlib
import struct
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

RECORD: Final = struct.Struct(">QQ")
"""Before each region: its address and its length."""


def regions(pid: int) -> Iterator[tuple[int, int]]:
    """Start and end of each readable region, without those parts of program files that the process cannot have written to."""
    for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
        span, permissions, _, _, inode, *name = line.split(maxsplit=5)
        is_file = inode != "0"
        if (
            permissions[0] != "r"
            or (is_file and permissions[1] != "w")
            or name[:1] in (["[vvar]"], ["[vvar_vclock]"])
        ):
            continue
        start, end = (int(each, 16) for each in span.split("-"))
        yield start, end


def main() -> None:
    """Reads the process that the one argument names."""
    pid = int(sys.argv[1])
    out = sys.stdout.buffer
    with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
        for start, end in regions(pid):
            # Regions come and go, and some (such as vsyscall) cannot be read by anyone.
            with contextlib.suppress(OSError, OverflowError):
                memory.seek(start)
                content = memory.read(end - start)
                out.write(RECORD.pack(start, len(content)) + content)
    out.flush()


if __name__ == "__main__":
    main()
