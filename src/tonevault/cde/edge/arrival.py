"""An INVITE that opens a call: admission, route, limits, and the INVITE that goes out on the other leg."""

from typing import Final

from tonevault.cde.edge.board import Board, NoWayError
from tonevault.cde.edge.call import Call
from tonevault.cde.edge.demands import check_accept, check_extensions
from tonevault.cde.edge.description import SDP_TYPE, description_in
from tonevault.cde.edge.dialled import RING_ALARM, DialledInvite, RingsTooLong
from tonevault.cde.edge.guard import passed_headers
from tonevault.cde.edge.header_policy import add_all
from tonevault.cde.edge.identity import called_number, caller_number, customer_reference
from tonevault.cde.edge.key_secrecy import leg_keys
from tonevault.cde.edge.leg import CallLeg
from tonevault.cde.edge.observer import CallInfo, EndReason
from tonevault.cde.edge.refusal import ALLOW, RefusalError, of_description, refuse
from tonevault.cde.edge.routes import Route
from tonevault.cde.edge.session_clock import ask_for_timer, check_interval
from tonevault.cde.edge.signalling import SignallingError
from tonevault.cde.edge.teardown import end_call
from tonevault.cde.media import Leg, MediaUnavailableError
from tonevault.cde.wire.sdp.errors import SdpError
from tonevault.cde.wire.sdp.offer_answer import OfferAnswer
from tonevault.cde.wire.sip.cseq import CSeq
from tonevault.cde.wire.sip.destination import peer_of
from tonevault.cde.wire.sip.errors import SipParseError
from tonevault.cde.wire.sip.events import ServerKey
from tonevault.cde.wire.sip.headers import Headers
from tonevault.cde.wire.sip.message import Request
from tonevault.cde.wire.sip.name_addr import NameAddr
from tonevault.cde.wire.sip.peer import Peer
from tonevault.cde.wire.sip.reliable import OPTION
from tonevault.cde.wire.sip.uri import SipUri
from tonevault.kernel.clock import epoch_ms
from tonevault.kernel.ids import CALL, CallId, make_id

DEFAULT_MAX_FORWARDS: Final = 70
"""RFC 3261 section 8.1.1.6."""
RETRY_AFTER_S: Final = "5"
"""What a caller beyond a limit is told: calls end every few seconds wherever there are enough to reach a limit."""
RESERVED_SHARE: Final = 10
"""One in ten of a route's calls is not for an address whose calls that are not up fill half of it: a flood of INVITEs leaves a way in."""
RING_LIMIT_S: Final = 180.0
"""RFC 3261 section 16.6 has a proxy wait more than three minutes before it gives up; carriers give up after two or three."""
MAX_SESSION_ID: Final = 2**31
"""Our SDP session ids stay below this: RFC 8866 wants a number, and some peers keep it in 32 bits."""


def invite_arrived(board: Board, key: ServerKey, request: Request, peer: Peer, now: float) -> None:
    """Take a new call or refuse it with the reason."""
    try:
        route = _route(board, request, peer)
        hops = _hops_left(request)
        _check_contact(request)
        check_extensions(request)
        check_accept(request)
        check_interval(request)
        offer = description_in(request)
        _check_room(board, route, peer)
        call = _open(board, key, request, peer, route)
    except SipParseError as fault:
        refuse(board.signalling, key, request, RefusalError(fault.status))
    except RefusalError as refusal:
        refuse(board.signalling, key, request, refusal)
    else:
        _dial(board, call, offer, hops, now)


def _route(board: Board, request: Request, peer: Peer) -> Route:
    if not board.routes.may_call(peer):
        board.observer.peer_refused("unknown_peer")
        raise RefusalError(403)
    route = board.routes.find(peer, request.uri)
    if route is None:
        board.observer.peer_refused("no_route")
        raise RefusalError(404, "No Route For This Number")
    return route


def _hops_left(request: Request) -> int:
    hops = request.max_forwards
    if hops is None:
        return DEFAULT_MAX_FORWARDS
    if hops == 0:
        raise RefusalError(483)
    return hops - 1


def _check_room(board: Board, route: Route, peer: Peer) -> None:
    if board.refuses_calls:
        raise RefusalError(503, "Shutting Down", (("Retry-After", RETRY_AFTER_S),))
    live = board.live_calls(route.name)
    hoards = 2 * board.pending_calls(route.name, peer.host) > route.max_calls
    if live >= route.max_calls or (hoards and live >= route.max_calls - route.max_calls // RESERVED_SHARE):
        board.observer.peer_refused("route_full")
        raise RefusalError(503, "Route Full", (("Retry-After", RETRY_AFTER_S),))


def _check_contact(request: Request) -> None:
    """RFC 3261 section 8.1.1.8 wants a Contact; callers of before it, who have no tag either, are reached at their From."""
    if request.contact is None and request.from_.tag is not None:
        raise RefusalError(400, "Contact Missing")


def _open(board: Board, key: ServerKey, request: Request, peer: Peer, route: Route) -> Call:
    """The call and its first leg; the second is dialled next."""
    target = route.target(request.uri)
    try:
        far = peer_of(target)
        near_contact, far_contact = board.contact_for(peer), board.contact_for(far)
    except (SipParseError, SignallingError):
        raise RefusalError(502, "Route Leads Nowhere") from None
    started = board.clock.utc()
    call_id = CallId(make_id(CALL, epoch_ms(started), board.entropy))
    info = CallInfo(
        call_id=call_id,
        route=route.name,
        account=route.account,
        started_at=started,
        caller=caller_number(request),
        called=called_number(request),
        customer_ref=customer_reference(request, route.customer_header),
    )
    try:
        ports = board.media.open(call_id)
    except MediaUnavailableError:
        board.observer.peer_refused("no_media")
        raise RefusalError(503, "No Media Relay Free", (("Retry-After", RETRY_AFTER_S),)) from None
    session_ids = {leg: 1 + board.entropy(MAX_SESSION_ID - 1) for leg in Leg}
    caller = CallLeg(
        leg=route.caller_leg,
        peer=peer,
        contact=near_contact,
        invite=request,
        local_tag=board.signalling.new_tag(),
        keys_in_clear=route.srtp_over_plain_sip,
        server_key=key,
    )
    caller.learn(request)
    dialled = CallLeg(
        leg=route.caller_leg.other,
        peer=far,
        contact=far_contact,
        invite=Request("INVITE", target),
        local_tag=board.signalling.new_tag(),
        keys_in_clear=route.srtp_over_plain_sip,
    )
    keys = leg_keys(route, {caller.leg: peer, dialled.leg: far}, board.entropy)
    sdp = OfferAnswer(ports, session_ids, g711_first=route.g711_first, keys=keys)
    return Call(call_id, route, info, sdp, {caller.leg: caller, dialled.leg: dialled})


def _dial(board: Board, call: Call, offer: bytes, hops: int, now: float) -> None:
    caller, dialled = call.caller, call.dialled
    server = DialledInvite(board, call, offered=bool(offer))
    board.admit(call)
    if caller.server_key is not None:
        board.serve(call, caller.server_key, server)
    board.observer.call_arrived(call.info)
    try:
        dialled.invite.headers, dialled.invite.body = _first_request(board, call, offer, hops)
        ask_for_timer(dialled.invite)
        dialled.client_key = board.send(call, dialled.invite, dialled.peer, server)
    except SdpError as error:
        refusal = of_description(error)
        reason = EndReason.NO_COMMON_CODEC if refusal.status == 488 else EndReason.MALFORMED
        end_call(board, call, reason, refusal=refusal)
    except NoWayError as error:
        end_call(board, call, EndReason.UNREACHABLE, refusal=RefusalError(error.status))
    else:
        board.alarms.set(call, RING_ALARM, RingsTooLong(board, call), now + RING_LIMIT_S)


def _first_request(board: Board, call: Call, offer: bytes, hops: int) -> tuple[Headers, bytes]:
    """The headers and body of the INVITE on the dialled leg: a new dialog of ours, with what passes of the caller's. Raises SdpError."""
    caller, dialled = call.caller, call.dialled
    body = call.sdp.offer(caller.leg, offer) if offer else b""
    headers = Headers()
    headers.add("Max-Forwards", str(hops))
    headers.add("From", _from(caller.invite, dialled.contact).with_tag(dialled.local_tag).text())
    headers.add("To", NameAddr(_plain(dialled.invite.uri)).text())
    headers.add("Call-ID", board.signalling.new_call_id())
    headers.add("CSeq", CSeq(1, "INVITE").text())
    headers.add("Contact", NameAddr(dialled.contact).text())
    headers.add("Allow", ALLOW)
    if body:
        # Without an offer of ours a reliable ring would bring one, which could only be answered in the PRACK.
        headers.add("Supported", OPTION)
    add_all(headers, passed_headers(call, caller.leg, caller.invite))
    if body:
        headers.add("Content-Type", SDP_TYPE)
    return headers, body


def _from(invite: Request, contact: SipUri) -> NameAddr:
    """The caller as signalled, at our address: the carrier's inner hosts are nobody's business. An anonymous caller stays so (RFC 3323)."""
    caller = invite.from_
    if not caller.uri.is_sip or caller.uri.host.lower().endswith(".invalid"):
        return NameAddr(caller.uri.without_headers(), caller.display)
    return NameAddr(SipUri(user=caller.uri.user, host=contact.host), caller.display)


def _plain(uri: SipUri) -> SipUri:
    """A URI as it stands in To: without port and transport (RFC 3261 section 19.1.1, table 1)."""
    return SipUri(scheme=uri.scheme, user=uri.user, host=uri.host)
