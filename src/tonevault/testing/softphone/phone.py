"""The telephone itself: one SIP listener, any number of calls. It rings, answers and dials; a call's own business is in `call`."""

import asyncio
import random
import ssl
from collections.abc import Callable
from typing import Final

from tonevault.cde.edge.sip_driver.driver import SipDriver
from tonevault.cde.edge.sip_driver.listener import Listener
from tonevault.cde.wire.sdp.errors import SdpError
from tonevault.cde.wire.sdp.leg_keys import LegKeys, SrtpPolicy, SrtpTerms
from tonevault.cde.wire.sip.destination import peer_of
from tonevault.cde.wire.sip.dialog import Dialog
from tonevault.cde.wire.sip.events import (
    AckReceived,
    CancelReceived,
    ClientKey,
    RequestReceived,
    ResponseReceived,
    ServerKey,
    SipEvent,
    TransactionTimedOut,
    TransportFailed,
)
from tonevault.cde.wire.sip.headers import Headers
from tonevault.cde.wire.sip.message import Request, Response
from tonevault.cde.wire.sip.name_addr import NameAddr
from tonevault.cde.wire.sip.peer import Peer, Transport
from tonevault.cde.wire.sip.response import make_response
from tonevault.cde.wire.sip.uri import SipUri
from tonevault.testing.softphone.call import PhoneCall
from tonevault.testing.softphone.line import Line
from tonevault.testing.softphone.offer import NoCommonCodecError

USER_AGENT: Final = "Tonevault softphone"
ALLOW: Final = "INVITE, ACK, BYE, CANCEL, OPTIONS, INFO, NOTIFY, UPDATE"


class PhoneError(Exception):
    """A call was refused or never answered; `status` is the SIP status."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(f"the call was answered {status} {reason}")
        self.status = status


class Softphone:
    """`listen` is `udp:127.0.0.1:0` or alike. `on_call` is told of each incoming call, after it was answered.

    On `tls:` the phone shows `server_tls` to who calls it and believes whom `client_tls` believes. With `srtp` it has no call without SRTP.
    """

    def __init__(
        self,
        user: str,
        listen: str = "udp:127.0.0.1:0",
        *,
        offers_events: bool = True,
        srtp: bool = False,
        answers: bool = True,
        on_call: Callable[[PhoneCall], None] | None = None,
        server_tls: ssl.SSLContext | None = None,
        client_tls: ssl.SSLContext | None = None,
        random_source: random.Random | None = None,
    ) -> None:
        self.user = user
        self.offers_events = offers_events
        self.answers = answers
        self.calls: list[PhoneCall] = []
        self._listener = Listener.parse(listen)
        if srtp and self._listener.transport is not Transport.TLS:
            raise ValueError("srtp: keys go over TLS alone; listen on tls:")
        self._srtp = srtp
        self._on_call = on_call
        self._random = random_source or random.SystemRandom()
        self._driver = SipDriver(
            [self._listener],
            on_event=self._on_event,
            entropy=self._random.randbytes,
            admit=lambda _: True,
            server_tls=server_tls,
            client_tls=(lambda _: client_tls) if client_tls else None,
        )
        self._asked: dict[ClientKey, tuple[Request, PhoneCall, asyncio.Future[Response]]] = {}
        self._invited: dict[ServerKey, PhoneCall] = {}
        self._dialogs: dict[str, PhoneCall] = {}
        self._invite_keys: dict[int, ClientKey] = {}

    @property
    def host(self) -> str:
        """The address that the phone is reached by."""
        return self._listener.host

    @property
    def uri(self) -> str:
        """The phone's own SIP URI, to be called by."""
        address = self._driver.local_address(Peer(self._listener.transport, self.host, 5060))
        return f"sip:{self.user}@{address.text()};transport={self._listener.transport.value.lower()}"

    async def start(self) -> None:
        """Bind the listener. Raises ListenerError."""
        await self._driver.start()

    async def stop(self) -> None:
        """Hang up everything and give the sockets back."""
        for call in self.calls:
            if not call.ended.is_set():
                await call.hang_up()
        await self._driver.stop()

    async def dial(
        self, target: str, headers: list[tuple[str, str]] | None = None, *, caller: str | None = None
    ) -> PhoneCall:
        """Call a SIP URI and wait for the answer. `caller` is the number shown. Raises PhoneError when it is refused."""
        call = await self.begin(target, headers, caller=caller)
        await asyncio.wait(
            [asyncio.ensure_future(call.answered.wait()), asyncio.ensure_future(call.ended.wait())],
            return_when=asyncio.FIRST_COMPLETED,
        )
        if not call.answered.is_set():
            raise PhoneError(call.end_status or 408, "")
        return call

    async def begin(
        self, target: str, headers: list[tuple[str, str]] | None = None, *, caller: str | None = None
    ) -> PhoneCall:
        """Call a SIP URI and return while it rings."""
        call = await self._new_call()
        uri = SipUri.parse(target)
        request = Request("INVITE", uri, Headers(), call.offer())
        from_uri = SipUri(user=caller or self.user, host=self.host)
        request.headers.add("From", NameAddr(from_uri).with_tag(self._driver.new_tag()).text())
        request.headers.add("To", NameAddr(uri).text())
        request.headers.add("Call-ID", self._driver.new_call_id())
        request.headers.add("CSeq", "1 INVITE")
        request.headers.add("Max-Forwards", "70")
        request.headers.add("User-Agent", USER_AGENT)
        request.headers.add("Allow", ALLOW)
        request.headers.add("Contact", NameAddr(SipUri.parse(self.uri)).text())
        request.headers.add("Content-Type", "application/sdp")
        for name, value in headers or []:
            request.headers.add(name, value)
        self._dialogs[request.call_id] = call
        self._invite_keys[id(call)] = self._transmit(request, call, peer_of(uri)).key
        return call

    async def ask(self, request: Request, call: PhoneCall) -> Response:
        """Send a request of the call and wait for its final response; silence answers as 408."""
        return await self._transmit(request, call, self._next_hop(call)).answer

    def send(self, request: Request, call: PhoneCall) -> None:
        """Send a request of the call; its response is taken when it comes."""
        self._transmit(request, call, self._next_hop(call))

    def cancel(self, call: PhoneCall) -> None:
        """Give up a call that was not answered."""
        key = self._invite_keys.get(id(call))
        if key is not None:
            self._driver.cancel(key)

    def forget_ended(self) -> None:
        """Keep no call that is over, nor its recording, for a phone that makes calls all day."""
        over = {id(call) for call in self.calls if call.ended.is_set()}
        self.calls = [call for call in self.calls if id(call) not in over]
        self._dialogs = {name: call for name, call in self._dialogs.items() if id(call) not in over}
        self._invited = {key: call for key, call in self._invited.items() if id(call) not in over}
        self._invite_keys = {name: key for name, key in self._invite_keys.items() if name not in over}
        self._asked = {
            key: asked
            for key, asked in self._asked.items()
            if id(asked[1]) not in over or not asked[2].done()
        }

    def contact(self) -> SipUri:
        """The Contact of requests in a dialog."""
        return SipUri.parse(self.uri)

    def _next_hop(self, call: PhoneCall) -> Peer:
        if call.dialog is None:
            raise RuntimeError("the call is not answered")
        return peer_of(call.dialog.next_hop)

    def _transmit(self, request: Request, call: PhoneCall, peer: Peer) -> "_Asked":
        key = self._driver.send_request(request, peer)
        answer: asyncio.Future[Response] = asyncio.get_running_loop().create_future()
        self._asked[key] = (request, call, answer)
        return _Asked(key, answer)

    async def _new_call(self) -> PhoneCall:
        line = Line(random.Random(self._random.getrandbits(64)))  # noqa: S311 - RTP numbering of a simulated phone
        port = await line.open(self.host)
        terms = SrtpTerms(SrtpPolicy.REQUIRE, keys_allowed=True) if self._srtp else SrtpTerms()
        call = PhoneCall(self, line, port, LegKeys(terms, self._random.randrange))
        self.calls.append(call)
        return call

    def _on_event(self, event: SipEvent) -> None:
        match event:
            case RequestReceived(key, request, _) if request.method == "INVITE":
                task = asyncio.ensure_future(self._on_invite(key, request))
                task.add_done_callback(lambda done: done.result())
            case RequestReceived(key, request, _):
                self._on_request(key, request)
            case CancelReceived(key, request):
                call = self._invited.pop(key, None)
                self._driver.respond(key, make_response(request, 487, to_tag=self._driver.new_tag()))
                if call is not None:
                    call.over(487)
            case AckReceived(key, request, _):
                call = self._invited.pop(key, None)
                if call is not None and request.body:
                    call.take_answer(request.body)
            case ResponseReceived(key, response, _):
                self._on_response(key, response)
            case TransactionTimedOut(key):
                self._on_silence(key, 408)
            case TransportFailed(key) if isinstance(key, ClientKey):
                self._on_silence(key, 503)
            case _:
                pass

    async def _on_invite(self, key: ServerKey, request: Request) -> None:
        known = self._dialogs.get(request.call_id) if request.to.tag else None
        if known is not None and known.dialog is not None:
            known.dialog.receive_request(request)
            self._answer(key, request, known)
            return
        call = await self._new_call()
        call.headers = request.headers.items()
        self._dialogs[request.call_id] = call
        self._invited[key] = call
        self._driver.respond(key, self._reply(request, 180, self._driver.new_tag()))
        if self.answers:
            self._answer(key, request, call)
            if self._on_call is not None and call.is_up:
                self._on_call(call)

    def _answer(self, key: ServerKey, request: Request, call: PhoneCall) -> None:
        tag = call.dialog.id.local_tag if call.dialog is not None else self._driver.new_tag()
        try:
            body = call.answer(request.body) if request.body else call.offer()
        except (SdpError, NoCommonCodecError):
            self._driver.respond(key, make_response(request, 488, to_tag=tag))
            call.over(488)
            return
        response = self._reply(request, 200, tag)
        response.body = body
        response.headers.set("Content-Type", "application/sdp")
        if call.dialog is None:
            call.dialog = Dialog.as_callee(request, response)
        self._driver.respond(key, response)
        call.answered.set()

    def _reply(self, request: Request, status: int, tag: str) -> Response:
        response = make_response(request, status, to_tag=tag)
        response.headers.set("Contact", NameAddr(SipUri.parse(self.uri)).text())
        response.headers.set("Allow", ALLOW)
        return response

    def _on_request(self, key: ServerKey, request: Request) -> None:
        call = self._dialogs.get(request.call_id)
        if call is None or call.dialog is None:
            status = 200 if request.method == "OPTIONS" else 481
            self._driver.respond(key, make_response(request, status, to_tag=self._driver.new_tag()))
            return
        call.dialog.receive_request(request)
        self._driver.respond(key, make_response(request, 200))
        if request.method == "BYE":
            call.over(200, request.headers.items())

    def _on_response(self, key: ClientKey, response: Response) -> None:
        asked = self._asked.get(key)
        if asked is None:
            return
        request, call, answer = asked
        if request.method == "INVITE" and response.is_success:
            self._on_accepted(request, response, call)
        if response.is_final:
            if not answer.done():
                answer.set_result(response)
            if request.method == "INVITE" and not response.is_success and call.dialog is None:
                call.over(response.status, response.headers.items())

    def _on_accepted(self, request: Request, response: Response, call: PhoneCall) -> None:
        if call.dialog is None:
            call.dialog = Dialog.as_caller(request, response)
        else:
            call.dialog.receive_response(request, response)
        self._driver.send_ack(call.dialog.ack(request), self._next_hop(call))
        call.headers = response.headers.items()
        call.take_answer(response.body)
        call.answered.set()

    def _on_silence(self, key: ClientKey, status: int) -> None:
        asked = self._asked.pop(key, None)
        if asked is None:
            return
        request, call, answer = asked
        if not answer.done():
            answer.set_result(Response(status, ""))
        if call.dialog is None and request.method == "INVITE":
            call.over(status)


class _Asked:
    """A request on its way and the answer to come."""

    __slots__ = ("answer", "key")

    def __init__(self, key: ClientKey, answer: "asyncio.Future[Response]") -> None:
        self.key = key
        self.answer = answer
