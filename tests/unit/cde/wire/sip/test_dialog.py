"""Dialogs from both sides: tags, routes, sequence, target (RFC 3261 section 12)."""

import pytest
from tests.unit.cde.wire.sip.simulated_pair import make_request

from tonevault.cde.wire.sip.dialog import Dialog, dialog_id_of_request, dialog_id_of_response
from tonevault.cde.wire.sip.errors import SipDialogError, SipParseError
from tonevault.cde.wire.sip.message import Request, Response
from tonevault.cde.wire.sip.response import make_response
from tonevault.cde.wire.sip.uri import SipUri


def make_pair(*record_routes: str, status: int = 200) -> tuple[Dialog, Dialog, Request, Response]:
    """The caller's and the callee's view of one dialog. Routes are given in the order of the INVITE that the callee sees."""
    invite = make_request(cseq=314)
    for route in record_routes:
        invite.headers.add("Record-Route", route)
    response = make_response(invite, status, to_tag="callee")
    response.headers.add("Contact", "<sip:agent@10.0.0.2:5070?Subject=x>")
    return Dialog.as_caller(invite, response), Dialog.as_callee(invite, response), invite, response


def test_both_sides_name_the_dialog_alike() -> None:
    caller, callee, _, response = make_pair()
    assert dialog_id_of_response(response) == caller.id
    assert dialog_id_of_request(caller.request("BYE")) == callee.id
    assert dialog_id_of_request(callee.request("BYE")) == caller.id


def test_requests_of_both_sides() -> None:
    caller, callee, _, _ = make_pair()
    info = caller.request("INFO", body=b"Signal=1", content_type="application/dtmf-relay")
    assert info.uri.text() == "sip:agent@10.0.0.2:5070"
    assert (info.from_.tag, info.to.tag, info.cseq.number, info.max_forwards) == ("caller", "callee", 315, 70)
    assert (info.content_type, info.contact) == ("application/dtmf-relay", None)
    invite = callee.request("INVITE", contact=SipUri(host="10.0.0.2"), body=b"v=0")
    assert invite.uri.text() == "sip:customer@192.0.2.1:5060"
    assert (invite.from_.tag, invite.to.tag, invite.cseq.number) == ("callee", "caller", 1)
    assert invite.headers.get("Contact") == "<sip:10.0.0.2>"
    assert callee.request("BYE").cseq.number == 2


def test_loose_routes_run_one_way_for_the_caller_and_the_other_for_the_callee() -> None:
    caller, callee, _, _ = make_pair("<sip:near-callee;lr>", "<sip:near-caller;lr>")
    assert [route.uri.host for route in caller.request("BYE").routes] == ["near-caller", "near-callee"]
    assert [route.uri.host for route in callee.request("BYE").routes] == ["near-callee", "near-caller"]
    assert (caller.next_hop.host, callee.next_hop.host) == ("near-caller", "near-callee")


def test_a_strict_router_gets_the_request_uri_and_the_target_becomes_the_last_route() -> None:
    caller, _, _, _ = make_pair("<sip:loose;lr>", "<sip:strict>")
    bye = caller.request("BYE")
    assert bye.uri.text() == "sip:strict"
    assert [route.uri.text() for route in bye.routes] == ["sip:loose;lr", "sip:agent@10.0.0.2:5070"]
    assert caller.next_hop.host == "strict"


def test_the_ack_has_the_number_and_the_credentials_of_its_invite() -> None:
    caller, _, invite, _ = make_pair()
    invite.headers.add("Proxy-Authorization", "Digest x=1")
    caller.request("INFO")
    ack = caller.ack(invite, body=b"v=0")
    assert (ack.cseq.number, ack.cseq.method, ack.method) == (314, "ACK", "ACK")
    assert ack.headers.get("Proxy-Authorization") == "Digest x=1"
    assert (ack.content_type, ack.body) == ("application/sdp", b"v=0")


@pytest.mark.parametrize("method", ["ACK", "CANCEL"])
def test_ack_and_cancel_are_not_built_as_requests(method: str) -> None:
    with pytest.raises(ValueError, match=r"Dialog\.ack"):
        make_pair()[0].request(method)


def test_a_request_out_of_order_is_refused_with_500() -> None:
    caller, callee, _, _ = make_pair()
    first, second = caller.request("INFO"), caller.request("INFO")
    callee.receive_request(second)
    with pytest.raises(SipDialogError) as caught:
        callee.receive_request(first)
    assert caught.value.status == 500
    callee.receive_request(second)
    caller.receive_request(callee.request("INFO"))


def test_an_ack_does_not_count_in_the_sequence() -> None:
    caller, callee, invite, _ = make_pair()
    info = caller.request("INFO")
    callee.receive_request(info)
    callee.receive_request(caller.ack(invite))


def test_the_target_moves_by_re_invite_and_not_by_info() -> None:
    caller, callee, _, _ = make_pair()
    callee.receive_request(caller.request("INVITE", contact=SipUri(host="10.9.9.9", port=5090)))
    assert callee.request("BYE").uri.text() == "sip:10.9.9.9:5090"
    info = caller.request("INFO", contact=SipUri(host="10.7.7.7"))
    callee.receive_request(info)
    assert callee.remote_target.host == "10.9.9.9"


def test_the_target_moves_by_the_2xx_to_our_re_invite_and_not_by_a_refusal() -> None:
    caller, _, _, _ = make_pair()
    again = caller.request("INVITE", contact=SipUri(host="192.0.2.1"))
    for status, host in ((488, "10.0.0.2"), (200, "10.8.8.8")):
        response = make_response(again, status)
        response.headers.add("Contact", "<sip:10.8.8.8>")
        caller.receive_response(again, response)
        assert caller.remote_target.host == host


def test_an_early_dialog_takes_the_route_of_the_2xx() -> None:
    caller, _, invite, _ = make_pair("<sip:early;lr>", status=180)
    was_confirmed = caller.confirmed
    invite.headers.set("Record-Route", "<sip:final;lr>")
    final = make_response(invite, 200, to_tag="callee")
    caller.receive_response(invite, final)
    assert (was_confirmed, caller.confirmed) == (False, True)
    assert caller.next_hop.host == "final"


def test_an_rfc_2543_caller_without_contact_and_tag_is_reached_by_its_from() -> None:
    invite = make_request()
    invite.headers.remove("Contact")
    invite.headers.set("From", "<sip:old@192.0.2.9>")
    dialog = Dialog.as_callee(invite, make_response(invite, 200, to_tag="callee"))
    assert dialog.id.remote_tag == ""
    assert dialog.request("BYE").uri.text() == "sip:old@192.0.2.9"


def test_a_request_is_sent_again_under_the_next_number() -> None:
    caller, _, _, _ = make_pair()
    first = caller.request("INVITE", contact=SipUri(host="192.0.2.1"))
    second = caller.again(first)
    assert (first.cseq.number, second.cseq.number) == (315, 316)
    assert second.headers.get("Contact") == first.headers.get("Contact")


def test_a_used_up_sequence_ends_the_dialog() -> None:
    invite = make_request(cseq=2**31 - 1)
    dialog = Dialog.as_caller(invite, make_response(invite, 200, to_tag="callee"))
    with pytest.raises(SipDialogError, match="CSeq"):
        dialog.request("BYE")


def test_a_response_with_a_malformed_contact_makes_no_dialog() -> None:
    invite = make_request()
    response = make_response(invite, 200, to_tag="callee")
    response.headers.add("Contact", "<sip:")
    with pytest.raises(SipParseError, match="Contact"):
        Dialog.as_caller(invite, response)
