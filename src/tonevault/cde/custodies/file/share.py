"""One share of a key: who holds it, where it lies, and the text of its file. Knows no disk; a file that was changed does not parse."""

import hashlib
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path
from typing import Final

from tonevault.cde.custodies.file.share_seal import Seal

HEADING: Final = "tonevault key share"
CHECK_LENGTH: Final = 16
LINES: Final = 7


class Holder(IntEnum):
    """Who keeps a share, by its number."""

    CUSTODIAN_ONE = 1
    CUSTODIAN_TWO = 2
    ESCROW = 3

    @property
    def words(self) -> str:
        """As messages and files name them."""
        return {1: "custodian one", 2: "custodian two", 3: "escrow"}[self.value]


@dataclass(frozen=True, slots=True)
class SharePaths:
    """The folder of each holder: the custodians' on media that no one person holds both of, the escrow's off this machine."""

    custodian_one: Path
    custodian_two: Path
    escrow: Path

    @classmethod
    def below(cls, data_dir: Path) -> "SharePaths":
        """The places that `tonevault serve` uses on one machine, each a folder of its own."""
        keys = data_dir / "keys"
        return cls(keys / "custodian-one", keys / "custodian-two", keys / "escrow")

    def of(self, holder: Holder) -> Path:
        """One holder's folder."""
        return {
            Holder.CUSTODIAN_ONE: self.custodian_one,
            Holder.CUSTODIAN_TWO: self.custodian_two,
            Holder.ESCROW: self.escrow,
        }[holder]

    def share(self, holder: Holder, key_id: str) -> Path:
        """Where a holder's share of a key lies."""
        return self.of(holder) / f"{key_id}{SUFFIX}"


SUFFIX: Final = ".share"


@dataclass(frozen=True, slots=True)
class Passphrases:
    """What the shares are sealed with, each by its holder's own; a share of a holder without one lies open in its file."""

    by_holder: dict[Holder, str] = field(default_factory=dict, repr=False)

    def of(self, holder: Holder) -> str | None:
        """The holder's passphrase, if there is one."""
        return self.by_holder.get(holder)


@dataclass(frozen=True, slots=True)
class Share:
    """A share as its file tells it. `body` is the share itself, or its ciphertext where `seal` says how it is sealed."""

    key_id: str
    holder: Holder
    key_check: str
    seal: Seal | None
    body: bytes = field(repr=False)

    def bound(self) -> bytes:
        """What a sealed body is bound to: the lines before it."""
        return "\n".join(self._head()).encode("ascii")

    def text(self) -> str:
        """The file's content."""
        lines = [*self._head(), f"share {self.body.hex()}"]
        return "\n".join([*lines, f"file-check {_file_check(lines)}", ""])

    def _head(self) -> list[str]:
        return [
            f"{HEADING} {self.holder.value} of 3",
            f"holder {self.holder.words}",
            f"key {self.key_id}",
            f"key-check {self.key_check}",
            f"seal {'none' if self.seal is None else self.seal.text()}",
        ]


def parse_share(text: str) -> Share | None:
    """The share of a file's text; None for anything that a share was not written as."""
    *lines, rest = text.split("\n")
    if rest or len(lines) != LINES or lines[-1] != f"file-check {_file_check(lines[:-1])}":
        return None
    starts = (f"{HEADING} ", "holder ", "key ", "key-check ", "seal ", "share ")
    if not all(line.startswith(start) for line, start in zip(lines, starts, strict=False)):
        return None
    number, _, key_id, check, seal, body = (
        line.removeprefix(start) for line, start in zip(lines, starts, strict=False)
    )
    try:
        holder = Holder(int(number.removesuffix(" of 3")))
        return Share(key_id, holder, check, None if seal == "none" else Seal.parse(seal), bytes.fromhex(body))
    except ValueError:
        return None


def _file_check(lines: list[str]) -> str:
    return hashlib.sha256("\n".join(lines).encode("ascii", errors="replace")).hexdigest()[:CHECK_LENGTH]
