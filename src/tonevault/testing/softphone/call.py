"""One call of the softphone, from dialling to its end: speak, press keys, hold, transfer, hang up, and what was heard."""

import asyncio
from enum import StrEnum
from typing import Final, Protocol

from tonevault.cde.media import Direction
from tonevault.cde.wire.sdp.crypto import CryptoLine
from tonevault.cde.wire.sdp.leg_keys import LegKeys
from tonevault.cde.wire.sdp.stream import AudioStream
from tonevault.cde.wire.sip.dialog import Dialog
from tonevault.cde.wire.sip.message import Request, Response
from tonevault.cde.wire.sip.uri import SipUri
from tonevault.cde.wire.tone.generator import dial
from tonevault.testing.softphone.line import Line
from tonevault.testing.softphone.offer import describe, far_end, read
from tonevault.testing.softphone.sound import Samples, wav_bytes

KEYS: Final = b"0123456789*#ABCD"
KEY_S: Final = 0.08
PAUSE_S: Final = 0.08
"""A brisk thumb: twice the 40 ms that ITU-T Q.24 asks of key and pause."""
INFO_TYPE: Final = "application/dtmf-relay"


class KeyCarrier(StrEnum):
    """How the phone sends its keys."""

    EVENT = "event"
    TONE = "tone"
    INFO = "info"
    EVENT_AND_TONE = "event+tone"


class Handset(Protocol):
    """What a call asks of its telephone."""

    offers_events: bool

    @property
    def host(self) -> str:
        """The address that audio is received at."""

    def contact(self) -> SipUri:
        """The Contact of requests in a dialog."""

    async def ask(self, request: Request, call: "PhoneCall") -> Response:
        """Send a request of the call and wait for its final response."""

    def send(self, request: Request, call: "PhoneCall") -> None:
        """Send a request of the call; its response is taken when it comes."""

    def cancel(self, call: "PhoneCall") -> None:
        """Give up a call that was not answered."""


class PhoneCall:
    """A call as the phone sees it. `answered` and `ended` are asyncio events; `end_status` is the SIP status of a call that never was."""

    def __init__(self, phone: Handset, line: Line, port: int, keys: LegKeys) -> None:
        self._phone = phone
        self._line = line
        self._port = port
        self._keys = keys
        self._version = 1
        self.dialog: Dialog | None = None
        self.answered = asyncio.Event()
        self.ended = asyncio.Event()
        self.end_status: int | None = None
        self.end_headers: list[tuple[str, str]] = []
        self.headers: list[tuple[str, str]] = []

    @property
    def line(self) -> Line:
        """The audio of the call."""
        return self._line

    @property
    def is_up(self) -> bool:
        """Answered, and not over."""
        return self.answered.is_set() and not self.ended.is_set()

    def offer(self, direction: Direction = Direction.SENDRECV) -> bytes:
        """A fresh offer of this end."""
        return self._describe(direction, None, self._keys.offer().lines)

    def answer(self, body: bytes) -> bytes:
        """Take the other side's offer: send to where it says, and answer it. Raises SdpError or NoCommonCodecError."""
        stream = read(body, self._keys.of_offer)
        law_type = self._agree(stream)
        return self._describe(Direction.SENDRECV, law_type, self._keys.answer(stream.crypto))

    def take_answer(self, body: bytes) -> None:
        """The other side answers our offer: send to where it says. Raises SdpError or NoCommonCodecError."""
        self._agree(read(body, self._keys.of_answer))

    def _agree(self, stream: AudioStream) -> int:
        far = far_end(stream, events=self._phone.offers_events)
        security = self._keys.secured(stream.crypto)
        self._keys.settle(security, stream.profile)
        self._line.secure(security)
        self._line.connect(far)
        return far.law_type

    def _describe(self, direction: Direction, law_type: int | None, keys: tuple[CryptoLine, ...]) -> bytes:
        body = describe(
            self._phone.host,
            self._port,
            events=self._phone.offers_events,
            version=self._version,
            direction=direction,
            law_type=law_type,
            keys=keys,
        )
        self._version += 1
        return body

    def say(self, samples: Samples) -> None:
        """Speak after what is being spoken already."""
        self._line.say(samples)

    async def press(
        self,
        keys: bytes,
        carrier: KeyCarrier = KeyCarrier.EVENT,
        *,
        key_s: float = KEY_S,
        pause_s: float = PAUSE_S,
    ) -> None:
        """Press keys (ASCII `0`–`9`, `*`, `#`, `A`–`D`) one after another; returns when the last is up."""
        for character in keys:
            code = KEYS.index(character)
            match carrier:
                case KeyCarrier.EVENT:
                    self._line.press_event(code, key_s)
                case KeyCarrier.TONE:
                    self._line.say(dial(bytes([code]), on_s=key_s, off_s=0))
                case KeyCarrier.EVENT_AND_TONE:
                    # Some gateways let the head of the tone through before they cut to the event.
                    self._line.say(dial(bytes([code]), on_s=0.06, off_s=0))
                    self._line.press_event(code, key_s, after_speech=True)
                case KeyCarrier.INFO:
                    self._press_info(character, key_s)
                    await asyncio.sleep(key_s)
            await self._line.quiet()
            await asyncio.sleep(pause_s)

    def _press_info(self, character: int, key_s: float) -> None:
        body = b"Signal=" + bytes([character]) + b"\r\nDuration=%d\r\n" % round(key_s * 1000)
        self._send("INFO", body=body, content_type=INFO_TYPE)

    async def hold(self, *, on: bool) -> None:
        """Put the other side on hold, or take it back (RFC 3264 section 8.4)."""
        direction = Direction.SENDONLY if on else Direction.SENDRECV
        response = await self._phone.ask(
            self._request("INVITE", self.offer(direction), "application/sdp"), self
        )
        self._line.on_hold = on and response.is_success

    async def transfer(self, target: str) -> Response:
        """Ask the other side to call `target` instead (RFC 3515)."""
        request = self._request("REFER")
        request.headers.add("Refer-To", f"<{target}>")
        return await self._phone.ask(request, self)

    async def hang_up(self) -> None:
        """End the call, whatever its state."""
        if self.ended.is_set():
            return
        if self.is_up:
            self.over(200)
            await self._phone.ask(self._request("BYE"), self)
        else:
            self._phone.cancel(self)
            await self.ended.wait()

    def over(self, status: int, headers: list[tuple[str, str]] | None = None) -> None:
        """The call has ended; called by the phone."""
        if not self.ended.is_set():
            self.end_status = status
            self.end_headers = headers or []
            self._line.close()
            self._keys.destroy()
            self.ended.set()

    def wav(self) -> bytes:
        """A WAV file of everything heard on the call."""
        return wav_bytes(self._line.heard)

    def _request(self, method: str, body: bytes = b"", content_type: str = "") -> Request:
        if self.dialog is None:
            raise RuntimeError("the call is not answered")
        return self.dialog.request(
            method, contact=self._phone.contact(), body=body, content_type=content_type
        )

    def _send(self, method: str, *, body: bytes, content_type: str) -> None:
        self._phone.send(self._request(method, body, content_type), self)
