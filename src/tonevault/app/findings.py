"""What the doctor finds: how bad it is, what it is about, and the way out; as lines for people and one object for programs."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How bad it is."""

    OK = "ok"
    WARNING = "warning"
    FAULT = "fault"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report."""

    level: Level
    subject: str
    detail: str
    way_out: str = ""

    @property
    def is_fault(self) -> bool:
        """Whether Tonevault cannot work until it is mended."""
        return self.level is Level.FAULT

    def __str__(self) -> str:
        line = f"{self.level.value:<8} {self.subject}: {self.detail}"
        return f"{line}\n         -> {self.way_out}" if self.way_out else line


def document(findings: Sequence[Finding]) -> dict[str, object]:
    """`doctor --json`. `level` is the worst of all; a finding that needs no act has a null way out."""
    worst = max((each.level for each in findings), key=list(Level).index, default=Level.OK)
    return {
        "level": worst.value,
        "findings": [
            {
                "level": each.level.value,
                "subject": each.subject,
                "detail": each.detail,
                "way_out": each.way_out or None,
            }
            for each in findings
        ],
    }
