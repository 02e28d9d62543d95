"""What a number of calls needs of the machine: open files and memory, reckoned from what was measured. It asks the machine nothing."""

from dataclasses import dataclass
from typing import Final

FILES_A_CALL: Final = 4
"""The UDP sockets of RTP and RTCP on both legs, in the worker."""
FILES_A_RECORDING: Final = 1
"""The WAV file, in the recorder."""
FILES_BESIDE_CALLS: Final = 256
"""Of any one process: databases, logs, SIP connections, the narrow interface, and sockets on their way to a worker."""
CALL_OCTETS: Final = 192 * 1024
"""`benchmarks/relay.py` measures 20 kB for a plain call, 50 kB with SRTP on both legs and 60 kB in a capture; as much again for what the
secure process and the kernel keep of it."""
RECORDING_OCTETS: Final = 192 * 1024
"""Four seconds of both sides, and what waits to be told and written."""
WORKER_OCTETS: Final = 96 * 1024 * 1024
"""A process with its numerical libraries, without calls."""
SECURE_OCTETS: Final = 256 * 1024 * 1024
"""The secure process without calls."""


@dataclass(frozen=True, slots=True)
class Needs:
    """`files` open at once in the hungriest process, `memory` octets of all processes of the secure zone together."""

    files: int
    memory: int


def needs_of(calls: int, *, workers: int, calls_a_worker: int, recorded: bool = False) -> Needs:
    """What so many calls at once need. While others drain or are replaced one worker may carry all that it is allowed."""
    files = FILES_A_CALL * min(calls, calls_a_worker)
    memory = SECURE_OCTETS + workers * WORKER_OCTETS + calls * CALL_OCTETS
    if recorded:
        files = max(files, FILES_A_RECORDING * calls)
        memory += WORKER_OCTETS + calls * RECORDING_OCTETS
    return Needs(files + FILES_BESIDE_CALLS, memory)
