"""The customer's phone as a page: pick a card, dial, key, hang up, and download what the agent heard. It serves the demo alone."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from tonevault.app.demo.customer import Customer
from tonevault.boundary.captures import FieldName
from tonevault.testing.softphone import KeyCarrier, PhoneCall

HERE: Final = Path(__file__).parent
POLICY: Final = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; form-action 'none'"
KEYPAD: Final = b"0123456789*#"


class PhonePage:
    """Routes over one customer. `heard_by_agent` answers the contact centre's latest call."""

    def __init__(
        self, customer: Customer, heard_by_agent: Callable[[], PhoneCall | None], panel: str
    ) -> None:
        self._customer = customer
        self._heard_by_agent = heard_by_agent
        self._panel = panel

    def app(self) -> Starlette:
        """The ASGI application."""
        return Starlette(
            routes=[
                Route("/", self._file("phone.html")),
                Route("/phone.js", self._file("phone.js")),
                Route("/phone.css", self._file("phone.css")),
                Route("/state", self._state),
                Route("/do/{act}", self._act, methods=["POST"]),
                Route("/agent-heard.wav", self._wav),
            ]
        )

    def _file(self, name: str) -> Callable[[Request], Response]:
        def answer(_: Request) -> Response:
            return FileResponse(
                HERE / name, headers={"Content-Security-Policy": POLICY, "Cache-Control": "no-store"}
            )

        return answer

    async def _state(self, _: Request) -> Response:
        customer = self._customer
        agent = self._heard_by_agent()
        return JSONResponse(
            {
                "panel": self._panel,
                "cards": [
                    {"title": card.title, "last4": card.number[-4:].decode(), "outcome": card.outcome}
                    for card in customer.cards
                ],
                "card": customer.cards.index(customer.card),
                "carrier": customer.carrier.value,
                "by_itself": customer.keys_by_itself,
                "mistypes": customer.mistypes_next,
                "on_call": customer.is_on_call,
                "note": customer.note
                if customer.is_on_call or "not connected" in customer.note
                else "on hook",
                "recorded": agent is not None and agent.line.packets_heard > 0,
            }
        )

    async def _act(self, request: Request) -> Response:
        """One deed by name; its argument is the query parameter `value`."""
        customer, value = self._customer, request.query_params.get("value", "")
        match request.path_params["act"]:
            case "dial":
                await customer.dial()
            case "hang-up":
                await customer.hang_up()
            case "card" if value.isdigit() and int(value) < len(customer.cards):
                customer.card = customer.cards[int(value)]
            case "carrier" if value in set(KeyCarrier):
                customer.carrier = KeyCarrier(value)
            case "by-itself":
                customer.keys_by_itself = value == "true"
            case "mistype":
                customer.mistypes_next = value == "true"
            case "press" if len(value) == 1 and value.encode() in KEYPAD:
                customer.press(value.encode())
            case "key" if value in set(FieldName):
                customer.key_now(FieldName(value))
            case _:
                return JSONResponse({"detail": "no such deed, or not with this value"}, status_code=400)
        return await self._state(request)

    async def _wav(self, _: Request) -> Response:
        agent = self._heard_by_agent()
        if agent is None:
            return JSONResponse({"detail": "the agent has heard nothing yet; dial first"}, status_code=404)
        disposition = {"Content-Disposition": 'attachment; filename="what-the-agent-heard.wav"'}
        return Response(agent.wav(), media_type="audio/wav", headers=disposition)
