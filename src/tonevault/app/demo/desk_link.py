"""The demo's line to the desk's public API: waits for it, adds the customer, and follows what the panel asks for."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any, Final

import httpx

from tonevault.app.demo.customer import CALLER, Customer
from tonevault.boundary.captures import FieldName
from tonevault.plumbing.log import get_logger

READY_TRIES: Final = 300
READY_PAUSE_S: Final = 0.1
"""Half a minute: a small machine loads numerical libraries in three processes at once."""

log = get_logger(__name__)


class DeskNotReadyError(Exception):
    """The desk did not come up in time."""


class DeskLink:
    """One API client for the length of the demo."""

    def __init__(self, url: str, key: str) -> None:
        headers = {"Authorization": f"Bearer {key}"}
        self._client = httpx.AsyncClient(base_url=url, headers=headers, timeout=httpx.Timeout(10, read=None))

    async def ready(self) -> None:
        """Wait until the desk answers and has found the secure zone. Raises DeskNotReadyError."""
        for _ in range(READY_TRIES):
            try:
                answer = await self._client.get("/health")
                if answer.status_code == httpx.codes.OK and answer.json().get("secure_zone") == "up":
                    return
            except httpx.TransportError:
                pass
            await asyncio.sleep(READY_PAUSE_S)
        raise DeskNotReadyError("the desk did not come up; run with --data-dir and look at the lines above")

    async def add_customer(self) -> None:
        """The caller as a customer, so that the panel knows the number; one of an earlier run is kept."""
        found = await self._client.get("/v1/customers", params={"phone": CALLER})
        if found.is_success and found.json()["data"]:
            return
        body = {"name": "Demo customer", "phone": CALLER, "reference": "CUST-DEMO"}
        answer = await self._client.post(
            "/v1/customers", json=body, headers={"Idempotency-Key": "demo-customer"}
        )
        answer.raise_for_status()

    async def follow(self, customer: Customer) -> None:
        """Tell the customer what is asked for, until cancelled; connects again when the desk restarts."""
        while True:
            try:
                async for event in self._events():
                    _tell(customer, event)
            except httpx.TransportError:
                log.info("the desk is away; asking again")
            await asyncio.sleep(READY_PAUSE_S)

    async def close(self) -> None:
        """Release connections."""
        await self._client.aclose()

    async def _events(self) -> AsyncIterator[dict[str, Any]]:
        async with self._client.stream("GET", "/v1/events/stream") as stream:
            async for line in stream.aiter_lines():
                if line.startswith("data: "):
                    yield json.loads(line.removeprefix("data: "))


def _tell(customer: Customer, event: dict[str, Any]) -> None:
    if not event["type"].startswith("session."):
        return
    asked = [field["name"] for field in event["data"]["fields"] if field["state"] == "capturing"]
    if asked and event["data"]["state"] == "open":
        customer.asked_for(FieldName(asked[0]))
    else:
        customer.forget()
