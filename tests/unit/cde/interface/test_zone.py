"""The zone from the inside: while a charge or refund cannot even be written down, nobody is told that it is not there."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest
from sqlalchemy import Connection
from tests.capture_stage import CaptureStage
from tests.till import operation, request

from tonevault.boundary.charges import ChargeState
from tonevault.boundary.operations import OperationKind, OperationState
from tonevault.boundary.problems import SecureZoneUnreachableError
from tonevault.cde.interface import zone

T = TypeVar("T")


def hold_writes(stage: CaptureStage) -> asyncio.Event:
    """A disk that does not answer; reading goes on. Setting the event lets it answer."""
    answers, transact = asyncio.Event(), stage.till.database.transact

    async def wait(work: Callable[[Connection], T]) -> T:
        await answers.wait()
        return await transact(work)

    stage.till.database.transact = wait  # type: ignore[method-assign]
    return answers


def test_a_charge_that_waits_for_the_disk_is_not_said_to_be_unknown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(zone, "CHARGE_WAIT_S", 0.05)

    async def play() -> None:
        stage = CaptureStage(tmp_path)
        asked = request((await stage.till.token()).token_id)
        answers = hold_writes(stage)
        with pytest.raises(SecureZoneUnreachableError):
            await stage.zone.charge(asked)
        answers.set()
        monkeypatch.setattr(zone, "CHARGE_WAIT_S", 30.0)
        assert (await stage.zone.charge(asked)).state is ChargeState.SUCCEEDED
        await stage.close()

    asyncio.run(play())


def test_a_refund_that_waits_for_the_disk_is_not_said_to_be_unknown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(zone, "CHARGE_WAIT_S", 30.0)

    async def play() -> None:
        stage = CaptureStage(tmp_path)
        charge = await stage.zone.charge(request((await stage.till.token()).token_id))
        asked = operation(OperationKind.REFUND, charge.charge_id, 100)
        answers = hold_writes(stage)
        monkeypatch.setattr(zone, "CHARGE_WAIT_S", 0.05)
        with pytest.raises(SecureZoneUnreachableError):
            await stage.zone.operate(asked)
        answers.set()
        monkeypatch.setattr(zone, "CHARGE_WAIT_S", 30.0)
        assert (await stage.zone.operate(asked)).state is OperationState.SUCCEEDED
        await stage.close()

    asyncio.run(play())
