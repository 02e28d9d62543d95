"""What a relay under measurement does: takes calls between phones of 127.0.0.1, and says what it has used of the machine."""

from dataclasses import dataclass
from typing import Protocol

import psutil

from tonevault.cde.media import Srtp

HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Keys:
    """The SRTP of a call's two phones, as the relay is told of it."""

    customer: Srtp
    agent: Srtp


@dataclass(frozen=True, slots=True)
class Used:
    """Of the relay's own processes since they started: seconds of CPU that the kernel charged them, and resident octets."""

    cpu_s: float
    memory: int


class Contender(Protocol):
    """One relay. `open` before load runs, all else at any time."""

    name: str

    async def start(self) -> None:
        """Ready for calls when it returns."""

    async def open(self, customer_port: int, agent_port: int, keys: Keys | None) -> tuple[int, int]:
        """A call between two phones, by the ports they receive at. Gives back the ports they are to send to."""

    async def mask(self) -> None:
        """From now on no key of any customer is to reach an agent."""

    def processes(self) -> list[psutil.Process]:
        """Those that carry voice."""

    def used(self) -> Used:
        """So far."""

    async def stop(self) -> None:
        """End its processes."""
