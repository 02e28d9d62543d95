"""Digest authentication against the RFCs' own examples, and both halves against each other."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.cde.wire.sip.simulated_pair import make_request

from tonevault.cde.wire.sip.digest import (
    Algorithm,
    Challenge,
    Credentials,
    DigestError,
    answer,
    authorise,
    challenges_of,
    parse_digest,
)
from tonevault.cde.wire.sip.digest_server import NONCE_LIFETIME_S, DigestServer, Verdict
from tonevault.cde.wire.sip.errors import SipParseError
from tonevault.cde.wire.sip.message import Request, Response
from tonevault.cde.wire.sip.response import make_response

ENTROPY = random.Random(5).randbytes
ALICE = Credentials("alice", "open sesame")
NOW = 5000.0


def passwords(user: str) -> str | None:
    return "open sesame" if user == "alice" else None


@pytest.mark.parametrize(
    ("algorithm", "expected"),
    [
        (Algorithm.MD5, "8ca523f5e9506fed4657c9700eebdbec"),
        (Algorithm.SHA_256, "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ],
)
def test_the_example_of_rfc_7616_section_3_9_1(algorithm: Algorithm, expected: str) -> None:
    challenge = Challenge(
        "http-auth@example.org",
        "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
        algorithm,
        opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS",
    )
    value = answer(
        challenge,
        Credentials("Mufasa", "Circle of Life"),
        "GET",
        "/dir/index.html",
        cnonce="f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
    )
    parameters = parse_digest(value, "Authorization")
    assert parameters is not None
    assert (parameters["response"], parameters["nc"], parameters["qop"]) == (expected, "00000001", "auth")
    assert parameters["opaque"] == "FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"


def test_the_example_of_rfc_2617_section_3_5() -> None:
    challenge = Challenge("testrealm@host.com", "dcd98b7102dd2f0e8b11d0f600bfb0c093", Algorithm.MD5)
    value = answer(
        challenge, Credentials("Mufasa", "Circle Of Life"), "GET", "/dir/index.html", cnonce="0a4f113b"
    )
    assert 'response="6629fae49393a05397450978507c4ef1"' in value


def challenged(server: DigestServer, request: Request, status: int = 401, now: float = NOW) -> Response:
    response = make_response(request, status, to_tag="x")
    server.challenge(response, now)
    return response


@pytest.mark.parametrize("status", [401, 407])
def test_an_answered_challenge_is_accepted(status: int) -> None:
    server, request = DigestServer("edge", ENTROPY), make_request("REGISTER")
    assert server.verify(request, passwords, NOW)[0] is Verdict.ABSENT
    response = challenged(server, request, status)
    assert [challenge.algorithm for challenge in challenges_of(response)] == [
        Algorithm.SHA_256,
        Algorithm.MD5,
    ]
    authorise(request, response, ALICE, ENTROPY)
    assert server.verify(request, passwords, NOW, is_proxy=status == 407) == (Verdict.ACCEPTED, "alice")


def test_a_recorded_answer_is_not_taken_twice() -> None:
    server, request = DigestServer("edge", ENTROPY), make_request("REGISTER")
    authorise(request, challenged(server, request), ALICE, ENTROPY)
    assert server.verify(request, passwords, NOW)[0] is Verdict.ACCEPTED
    assert server.verify(request, passwords, NOW)[0] is Verdict.STALE


def test_a_nonce_serves_again_with_a_higher_count() -> None:
    server, request = DigestServer("edge", ENTROPY), make_request("REGISTER")
    challenge = challenges_of(challenged(server, request))[0]
    verdicts = []
    for count in (1, 2, 2, 1, 3):
        value = answer(challenge, ALICE, "REGISTER", request.uri.text(), cnonce="c", count=count)
        request.headers.set("Authorization", value)
        verdicts.append(server.verify(request, passwords, NOW)[0])
    assert verdicts == [Verdict.ACCEPTED, Verdict.ACCEPTED, Verdict.STALE, Verdict.STALE, Verdict.ACCEPTED]


def test_an_old_or_foreign_nonce_is_stale() -> None:
    server, request = DigestServer("edge", ENTROPY), make_request("REGISTER")
    authorise(request, challenged(server, request), ALICE, ENTROPY)
    assert server.verify(request, passwords, NOW + NONCE_LIFETIME_S + 1)[0] is Verdict.STALE
    other = DigestServer("edge", ENTROPY)
    request.headers.remove("Authorization")
    authorise(request, challenged(other, request), ALICE, ENTROPY)
    assert server.verify(request, passwords, NOW)[0] is Verdict.STALE


@pytest.mark.parametrize(
    "credentials", [Credentials("alice", "wrong"), Credentials("bob", "open sesame"), Credentials("", "")]
)
def test_wrong_users_and_passwords(credentials: Credentials) -> None:
    server, request = DigestServer("edge", ENTROPY), make_request("REGISTER")
    authorise(request, challenged(server, request), credentials, ENTROPY)
    assert server.verify(request, passwords, NOW) == (Verdict.WRONG, "")


def test_an_answer_is_good_for_its_own_method_and_uri_alone() -> None:
    server, request = DigestServer("edge", ENTROPY), make_request("REGISTER")
    authorise(request, challenged(server, request), ALICE, ENTROPY)
    request.method = "INVITE"
    assert server.verify(request, passwords, NOW)[0] is Verdict.WRONG
    request.method = "REGISTER"
    request.uri = request.from_.uri
    assert server.verify(request, passwords, NOW)[0] is Verdict.WRONG


@settings(max_examples=100, deadline=None)
@given(st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), max_size=80))
def test_noise_in_credentials_is_wrong_or_absent_and_never_a_fault(text: str) -> None:
    server, request = DigestServer("edge", ENTROPY), make_request("REGISTER")
    for value in (
        text,
        f"Digest {text}",
        f'Digest realm="edge", {text}',
        f'Digest realm="edge", nc=00000001, qop=auth, nonce="{text}"',
    ):
        request.headers.set("Authorization", value)
        assert server.verify(request, passwords, NOW)[0] in (Verdict.WRONG, Verdict.ABSENT)


def with_challenges(*values: str) -> Response:
    response = make_response(make_request(), 401, to_tag="x")
    for value in values:
        response.headers.add("WWW-Authenticate", value)
    return response


def test_the_stronger_algorithm_is_answered_once_a_realm() -> None:
    request = make_request()
    response = with_challenges(
        'Digest realm="a", nonce="1", algorithm=MD5, qop="auth"',
        'Digest realm="a", nonce="2", algorithm=SHA-256, qop="auth,auth-int"',
        'Digest realm="b", nonce="3", qop="auth"',
        'Basic realm="c"',
    )
    authorise(request, response, ALICE, ENTROPY)
    answers = [parse_digest(value, "Authorization") for value in request.headers.get_all("Authorization")]
    assert [(given["realm"], given["nonce"], given["algorithm"]) for given in answers if given] == [
        ("a", "2", "SHA-256"),
        ("b", "3", "MD5"),
    ]


def test_a_challenge_without_qop_is_answered_in_the_old_form() -> None:
    request = make_request()
    authorise(request, with_challenges('Digest realm="a", nonce="1"'), ALICE, ENTROPY)
    given = parse_digest(request.headers.get("Authorization") or "", "Authorization")
    assert given is not None
    assert "cnonce" not in given
    assert "qop" not in given


@pytest.mark.parametrize(
    "values",
    [
        (),
        ('Basic realm="a"',),
        ('Digest realm="a", nonce="1", algorithm=SHA-512-256',),
        ('Digest realm="a", nonce="1", qop="auth-int"',),
    ],
)
def test_what_cannot_be_answered_is_a_clear_error(values: tuple[str, ...]) -> None:
    with pytest.raises(DigestError, match="SHA-256 or MD5"):
        authorise(make_request(), with_challenges(*values), ALICE, ENTROPY)


def test_a_refused_password_is_not_tried_again_and_a_stale_nonce_is() -> None:
    request = make_request()
    authorise(request, with_challenges('Digest realm="a", nonce="1", qop="auth"'), ALICE, ENTROPY)
    with pytest.raises(DigestError, match="refused the user or the password"):
        authorise(request, with_challenges('Digest realm="a", nonce="2", qop="auth"'), ALICE, ENTROPY)
    authorise(request, with_challenges('Digest realm="a", nonce="3", qop="auth", stale=TRUE'), ALICE, ENTROPY)
    assert 'nonce="3"' in (request.headers.get("Authorization") or "")
    assert request.headers.count("Authorization") == 1


@pytest.mark.parametrize(
    "value", ['Digest realm="a"', 'Digest realm="a', "Digest realm", 'Digest realm="a", realm="b", nonce="1"']
)
def test_a_malformed_challenge_is_refused(value: str) -> None:
    with pytest.raises(SipParseError, match="WWW-Authenticate"):
        challenges_of(with_challenges(value))


def test_credentials_are_not_shown() -> None:
    assert "sesame" not in f"{ALICE!r} {ALICE}"
