"""Deliberate leaks, patched into the product's processes when they start, and each at work only while its flag is up.

`launcher_path` makes a folder for PYTHONPATH whose sitecustomize.py calls `sow`. The code of the product stays as it is.
"""

import base64
import logging
import os
import sys
from collections.abc import Callable
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

_ROOT: Final = Path(__file__).resolve().parents[3]


class Plant(StrEnum):
    """What is planted; the value is the name of its flag."""

    LOG = "log"
    CODE = "code"
    EVENTS = "events"
    TONES = "tones"
    INFO = "info"
    REFERENCE = "reference"
    ANSWER = "answer"
    SECURE_MEMORY = "secure-memory"
    DESK_MEMORY = "desk-memory"
    FAULT = "fault"
    SCHEDULE = "schedule"
    SPLIT = "split"
    CAPTURE = "capture"
    VOID = "void"
    REFUND = "refund"
    VERIFICATION = "verification"
    RECONCILIATION = "reconciliation"
    WEBHOOK = "webhook"
    COMMAND = "command"


FLOWS: Final = (
    Plant.SCHEDULE,
    Plant.SPLIT,
    Plant.CAPTURE,
    Plant.VOID,
    Plant.REFUND,
    Plant.VERIFICATION,
    Plant.RECONCILIATION,
    Plant.WEBHOOK,
    Plant.COMMAND,
)
"""Leaks in what is done with cards that are kept. Their digits stand on the flag, for nobody keys them."""


class Flags:
    """Files in a folder: up while they exist. What a flag holds is for plants in a process that could not know it otherwise."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def raise_(self, plant: Plant, content: str = "") -> None:
        """The leak begins."""
        (self.folder / plant).write_text(content)

    def lower(self, plant: Plant) -> None:
        """The leak ends."""
        (self.folder / plant).unlink()

    def is_up(self, plant: Plant) -> bool:
        """Whether it leaks now."""
        return (self.folder / plant).exists()

    def content(self, plant: Plant) -> str:
        """What was written on it."""
        return (self.folder / plant).read_text()


def launcher_path(folder: Path) -> str:
    """A PYTHONPATH with which every process of the product sows the plants; their flags are files in `folder`."""
    folder.mkdir()
    code = f"from pathlib import Path\nfrom tests.boundary.canary.plants import sow\nsow(Path({str(folder)!r}))\n"
    (folder / "sitecustomize.py").write_text(code)
    return os.pathsep.join((str(folder), str(_ROOT)))


def sow(folder: Path) -> None:
    """In a process that starts: patch what belongs to it."""
    from tests.boundary.canary.money_plants import sow_command, sow_money, sow_webhooks  # noqa: PLC0415

    flags, words = Flags(folder), sys.orig_argv
    if "tonevault.cde.edge.relay.worker" in words:
        _sow_relay(flags)
    elif words[-1] == "secure":
        _sow_capture(flags)
        _sow_gateway(flags)
        _sow_edge(flags)
        sow_money(flags)
        sow_webhooks(flags)
    elif words[-1] == "desk":
        _sow_desk(flags)
    elif "tones" in words:
        sow_command(flags)


def _sow_capture(flags: Flags) -> None:
    from tonevault.cde.capture.card_draft import CardDraft  # noqa: PLC0415 - only where it is patched
    from tonevault.cde.sealed.card_number import CardNumber  # noqa: PLC0415

    take, destroy = CardDraft.take, CardNumber.destroy
    log = logging.getLogger("planted")
    kept: list[bytes] = []

    def leaking_take(self: CardDraft, name: Any, entry: Any, utc: Any) -> Any:
        digits = bytes(entry._digits[: entry.length])
        if name == "card_number" and flags.is_up(Plant.LOG):
            # The log strikes out digits, and lists of them; what is coded it cannot know.
            log.debug("taken: %s", base64.b64encode(digits).decode())
        if name == "security_code" and flags.is_up(Plant.CODE):
            log.debug("taken: %s", digits.decode())
        return take(self, name, entry, utc)

    def keeping_destroy(self: CardNumber) -> None:
        if flags.is_up(Plant.SECURE_MEMORY):
            kept.append(bytes(self._digits))
        destroy(self)

    CardDraft.take = leaking_take  # type: ignore[method-assign]
    CardNumber.destroy = keeping_destroy  # type: ignore[method-assign]


def _sow_gateway(flags: Flags) -> None:
    from tonevault.cde.gateways.simulator.adapter import SimulatorGateway  # noqa: PLC0415
    from tonevault.cde.sealed.warrant import open_number  # noqa: PLC0415

    authorise = SimulatorGateway.authorise

    async def leaking_authorise(self: SimulatorGateway, request: Any) -> Any:
        with open_number(request.card.number) as digits:
            number = bytes(digits).decode()
        if flags.is_up(Plant.FAULT):
            raise RuntimeError(f"the gateway refused {number}")
        answer = await authorise(self, request)
        if flags.is_up(Plant.REFERENCE):
            # Eleven digits: the boundary's types refuse twelve that look like a card.
            return replace(answer, gateway_reference=f"ref-{number[:11]}")
        return answer

    SimulatorGateway.authorise = leaking_authorise  # type: ignore[method-assign]


def _sow_edge(flags: Flags) -> None:
    from tonevault.cde.edge import in_dialog  # noqa: PLC0415
    from tonevault.cde.edge.passed_request import pass_request  # noqa: PLC0415

    caught: Callable[..., None] = vars(in_dialog)["info_arrived"]

    def passing_info(board: Any, event: Any, call: Any, leg: Any, now: float) -> None:
        if flags.is_up(Plant.INFO):
            pass_request(board, event, call, leg)
        else:
            caught(board, event, call, leg, now)

    vars(in_dialog)["info_arrived"] = passing_info


def _sow_relay(flags: Flags) -> None:
    from tonevault.cde.edge.relay.flow import Flow  # noqa: PLC0415
    from tonevault.cde.wire.g711 import Law, decode, encode  # noqa: PLC0415
    from tonevault.cde.wire.tone.masking_line import MaskingLine  # noqa: PLC0415

    carry_event, push, carry = Flow._carry_event, MaskingLine.push, MaskingLine.carry

    def unmasked_event(
        self: Flow, packet: Any, event_route: Any, now: float, *, repeated: bool = False
    ) -> None:
        masked = self.masked
        if masked is not None and flags.is_up(Plant.EVENTS):
            self.masked = None
            try:
                carry_event(self, packet, event_route, now, repeated=repeated)
            finally:
                self.masked = masked
        else:
            carry_event(self, packet, event_route, now, repeated=repeated)

    def unmasked_samples(self: MaskingLine, samples: Any) -> Any:
        masked = push(self, samples)
        return samples if flags.is_up(Plant.TONES) else masked

    def unmasked_packet(self: MaskingLine, octets: bytes, law: Law, law_out: Law) -> bytes:
        masked = carry(self, octets, law, law_out)
        return encode(law_out, decode(law, octets)) if flags.is_up(Plant.TONES) else masked

    Flow._carry_event = unmasked_event  # type: ignore[method-assign]
    MaskingLine.push = unmasked_samples  # type: ignore[method-assign]
    MaskingLine.carry = unmasked_packet  # type: ignore[method-assign]


def _sow_desk(flags: Flags) -> None:
    from tonevault.desk.calls import routes  # noqa: PLC0415
    from tonevault.desk.splits import routes as split_routes  # noqa: PLC0415

    answer: Callable[..., Any] = vars(routes)["answer"]
    kept: list[list[str]] = []

    def leaking_answer(value: object, status: int = 200) -> Any:
        response = answer(value, status)
        if flags.is_up(Plant.ANSWER):
            response.headers["X-Debug"] = base64.b64encode(flags.content(Plant.ANSWER).encode()).decode()
        if flags.is_up(Plant.DESK_MEMORY):
            kept.append(list(flags.content(Plant.DESK_MEMORY)))
        return response

    def leaking_split(value: object, status: int = 200) -> Any:
        response = answer(value, status)
        if flags.is_up(Plant.SPLIT):
            response.headers["X-Debug"] = base64.b64encode(flags.content(Plant.SPLIT).encode()).decode()
        return response

    vars(routes)["answer"] = leaking_answer
    vars(split_routes)["answer"] = leaking_split
