"""The demo's customer: a phone in a hand, a card on the table. Keys what the panel asks for, by itself or when told to."""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from tonevault.boundary.captures import FieldName
from tonevault.plumbing.log import get_logger
from tonevault.testing.softphone import KeyCarrier, PhoneCall, PhoneError, Softphone
from tonevault.testing.softphone.sound import voice

CALLER: Final = "+442079460018"
"""A number that Ofcom keeps free for drama (the range 020 7946 0000–0999)."""
FINDING_THE_CARD_S: Final = 1.2
"""How long the customer looks for the value before keying it."""
EXPIRY_YEARS: Final = 3
POSTAL_CODE: Final = b"90210"

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class DemoCard:
    """A published test card: its number opens no account anywhere."""

    title: str
    number: bytes
    outcome: str

    @property
    def code(self) -> bytes:
        """Its security code: four digits on American Express."""
        return b"1234" if self.number[:2] in (b"34", b"37") else b"123"


class Customer:
    """Dials through the edge, speaks, and answers the panel's requests with key presses."""

    def __init__(self, phone: Softphone, edge: str, cards: tuple[DemoCard, ...]) -> None:
        self.phone = phone
        self.cards = cards
        self.card = cards[0]
        self.carrier = KeyCarrier.EVENT
        self.keys_by_itself = True
        self.mistypes_next = False
        self.call: PhoneCall | None = None
        self.note = "on hook"
        self._edge = edge
        self._at_work: set[asyncio.Task[None]] = set()
        self._asked: FieldName | None = None

    @property
    def is_on_call(self) -> bool:
        """Whether the call is up."""
        return self.call is not None and self.call.is_up

    async def dial(self) -> None:
        """Call the contact centre, and say why."""
        if self.is_on_call:
            return
        self.note = "dialling"
        try:
            self.call = await self.phone.dial(self._edge, [("X-Customer-Id", "CUST-DEMO")], caller=CALLER)
        except PhoneError as error:
            self.note = f"not connected (SIP {error.status})"
            return
        self.note = "on the call"
        self.call.say(voice("customer"))

    async def hang_up(self) -> None:
        """End the call."""
        self.forget()
        if self.call is not None:
            await self.call.hang_up()
        self.note = "on hook"

    def asked_for(self, field: FieldName) -> None:
        """The agent asks for a field: key it after a moment, when keying by itself."""
        if self._asked is field:
            return
        self.forget()
        self._asked = field
        self.note = f"asked for the {field.value.replace('_', ' ')}"
        if self.keys_by_itself:
            self._do(self._key_after_a_moment(field))

    def forget(self) -> None:
        """Nothing is asked for any more: what was about to be keyed is not."""
        self._asked = None
        for task in self._at_work:
            task.cancel()

    def key_now(self, field: FieldName) -> None:
        """Key a field's value and `#` at once."""
        self._do(self._key(self.value_of(field) + b"#"))

    def press(self, keys: bytes) -> None:
        """Press single keys."""
        self._do(self._key(keys))

    def value_of(self, field: FieldName) -> bytes:
        """What stands on the card for a field; one wrong digit when about to mistype."""
        match field:
            case FieldName.CARD_NUMBER:
                number = self.card.number
                if self.mistypes_next:
                    self.mistypes_next = False
                    return number[:-1] + (b"1" if number[-1:] != b"1" else b"2")
                return number
            case FieldName.EXPIRY:
                return f"12{(datetime.now(UTC).year + EXPIRY_YEARS) % 100:02d}".encode()
            case FieldName.SECURITY_CODE:
                return self.card.code
            case FieldName.POSTAL_CODE:
                return POSTAL_CODE

    async def _key_after_a_moment(self, field: FieldName) -> None:
        await asyncio.sleep(FINDING_THE_CARD_S)
        await self._key(self.value_of(field) + b"#")

    async def _key(self, keys: bytes) -> None:
        if self.call is None or not self.call.is_up:
            return
        await self.call.press(keys, self.carrier)

    def _do(self, work: Coroutine[object, object, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._at_work.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._at_work.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.error("the customer's phone failed", exc_info=task.exception())
