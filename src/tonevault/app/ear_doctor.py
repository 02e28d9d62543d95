"""Whether the compiled ear is here and of this version. It refuses to go on without it: a capture that hears nothing masks nothing."""

from collections.abc import Iterator

from tonevault.app.findings import Finding, Level
from tonevault.cde.media import MaskMode
from tonevault.cde.wire.tone.kernel import WAY_OUT, KernelError
from tonevault.cde.wire.tone.masking_line import MaskingLine
from tonevault.plumbing.settings import SettingsError


def ear_findings() -> Iterator[Finding]:
    """One line."""
    try:
        MaskingLine(MaskMode.TALK)
    except KernelError as error:
        yield Finding(Level.FAULT, "ear", error.fault, WAY_OUT)
    else:
        yield Finding(Level.OK, "ear", "is compiled, and hears")


def require_ear() -> None:
    """Raise SettingsError where a capture could not be masked."""
    faults = [finding for finding in ear_findings() if finding.is_fault]
    if faults:
        raise SettingsError([f"{fault.subject}: {fault.detail}; {fault.way_out}" for fault in faults])
