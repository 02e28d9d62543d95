"""Whether the compiled loops are here and of this version. It refuses to go on without them: a capture that hears nothing masks nothing."""

import select
from collections.abc import Iterable, Iterator

from tonevault.app.findings import Finding, Level
from tonevault.cde.edge.relay.lanes import Lanes
from tonevault.cde.media import MaskMode
from tonevault.cde.wire.tone.masking_line import MaskingLine
from tonevault.kernel.compiled import WAY_OUT, CompiledError
from tonevault.plumbing.settings import SettingsError


def ear_findings() -> Iterator[Finding]:
    """One line: the ear and the mask."""
    try:
        MaskingLine(MaskMode.TALK)
    except CompiledError as error:
        yield Finding(Level.FAULT, "ear", error.fault, WAY_OUT)
    else:
        yield Finding(Level.OK, "ear", "is compiled, and hears")


def relay_findings() -> Iterator[Finding]:
    """One line: the relay's lanes."""
    try:
        with select.epoll() as poller:
            Lanes(poller.fileno())
    except CompiledError as error:
        yield Finding(Level.FAULT, "relay", error.fault, WAY_OUT)
    else:
        yield Finding(Level.OK, "relay", "is compiled")


def require(findings: Iterable[Finding]) -> None:
    """Raise SettingsError where one of them is a fault."""
    faults = [finding for finding in findings if finding.is_fault]
    if faults:
        raise SettingsError([f"{fault.subject}: {fault.detail}; {fault.way_out}" for fault in faults])
