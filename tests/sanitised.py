"""Compiled loops built anew with checks of every address and every operation, which end the process at the first fault."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

CHECKS: Final = (
    "-fsanitize=address,undefined",
    "-fno-sanitize-recover=all",
    "-g",
    "-O1",
    "-std=c11",
    "-fPIC",
    "-shared",
)
WHOLE: Final = "whole\n"


def run_sanitised(sources: Path, library: Path, program: str) -> str:
    """Build the C files of a folder as `library` and run a Python program, in a process of its own, that loads and plays it. Gives back
    what it printed, WHOLE if it ends with `print('whole')`; and what it said of a fault."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    assert compiler is not None, "scripts/setup installs a C compiler"
    subprocess.run([compiler, *CHECKS, "-o", library, *sorted(sources.glob("*.c")), "-lm"], check=True)
    runtime = [
        subprocess.run(
            [compiler, f"-print-file-name={name}"], check=True, capture_output=True, text=True
        ).stdout.strip()
        for name in ("libasan.so", "libubsan.so")
    ]
    environment = os.environ | {
        "LD_PRELOAD": " ".join(runtime),
        "ASAN_OPTIONS": "detect_leaks=0",
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
    }
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=False
    )
    return done.stdout + done.stderr[-3000:]
