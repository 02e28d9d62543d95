"""Digest authentication (RFC 7616 and 8760; RFC 2617 for MD5): the challenge, the arithmetic, and a client's answer."""

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum

from tonevault.cde.wire.sip.errors import SipError, SipParseError
from tonevault.cde.wire.sip.grammar import WHITESPACE, is_token, quote, split_list, unquote
from tonevault.cde.wire.sip.limits import MAX_MULTIPLE_CHALLENGES
from tonevault.cde.wire.sip.message import Request, Response
from tonevault.cde.wire.sip.peer import Entropy
from tonevault.cde.wire.sip.reticent import Reticent

_DIGEST = re.compile(r"digest[ \t]+(.*)\Z", re.IGNORECASE | re.DOTALL)


class DigestError(SipError):
    """A challenge cannot be answered."""


class Algorithm(Enum):
    """The hashes, the stronger first (RFC 8760 section 2)."""

    SHA_256 = "SHA-256"
    MD5 = "MD5"

    def hash(self, text: str) -> str:
        """The hash of the text in hexadecimal."""
        data = text.encode("utf-8", "surrogateescape")
        if self is Algorithm.MD5:
            # The algorithm of RFC 2617, which most trunks and phones still speak; the peer chooses it, and SHA-256 is preferred.
            return hashlib.md5(data, usedforsecurity=False).hexdigest()
        return hashlib.sha256(data).hexdigest()


@dataclass(frozen=True, slots=True, repr=False)
class Credentials(Reticent):
    """A user and a password."""

    username: str
    password: str


@dataclass(frozen=True, slots=True, repr=False)
class Challenge(Reticent):
    """One WWW-Authenticate or Proxy-Authenticate that we can answer. `has_qop` is whether it offers qop=auth; RFC 2069 peers do not."""

    realm: str
    nonce: str
    algorithm: Algorithm
    has_qop: bool = True
    opaque: str | None = None
    stale: bool = False
    is_proxy: bool = False

    @property
    def header_name(self) -> str:
        """The header that the answer goes into."""
        return "Proxy-Authorization" if self.is_proxy else "Authorization"

    def text(self) -> str:
        """The value of the challenge header."""
        opaque = "" if self.opaque is None else f", opaque={quote(self.opaque)}"
        stale = ", stale=true" if self.stale else ""
        qop = ', qop="auth"' if self.has_qop else ""
        algorithm = self.algorithm.value
        return f"Digest realm={quote(self.realm)}, nonce={quote(self.nonce)}, algorithm={algorithm}{qop}{opaque}{stale}"


def parse_digest(text: str, header: str) -> dict[str, str] | None:
    """The parameters of a Digest challenge or answer, names in lower case, quotes undone. None for another scheme. Raises SipParseError."""
    digest = _DIGEST.match(text.strip(WHITESPACE))
    if digest is None:
        return None
    parameters: dict[str, str] = {}
    for piece in split_list(digest[1], ",", header):
        name, equals, value = piece.partition("=")
        name = name.rstrip(WHITESPACE).lower()
        if not equals or not is_token(name) or name in parameters:
            raise SipParseError(header, "is a list of different name=value pairs (RFC 7616 section 3.3)")
        parameters[name] = unquote(value.strip(WHITESPACE))
    return parameters


def challenges_of(response: Response) -> list[Challenge]:
    """The challenges of a 401 or 407 that we can answer, the strongest algorithm first. Raises SipParseError."""
    found = list(_challenges(response, "WWW-Authenticate", is_proxy=False))
    found += _challenges(response, "Proxy-Authenticate", is_proxy=True)
    order = list(Algorithm)
    return sorted(found, key=lambda challenge: order.index(challenge.algorithm))


def authorise(request: Request, response: Response, credentials: Credentials, entropy: Entropy) -> None:
    """Put the answer to a 401 or 407 into a request that is to be sent again under its next CSeq: one answer for each realm.

    Raises DigestError when no challenge can be answered, or the password was refused already; SipParseError for a malformed one.
    """
    before = _answered_places(request)
    answers: dict[tuple[str, str], str] = {}
    for challenge in challenges_of(response):
        place = (challenge.header_name, challenge.realm)
        if place in answers:
            continue
        if place in before and not challenge.stale:
            raise DigestError("the peer refused the user or the password; see the credentials of this route")
        answers[place] = answer(
            challenge, credentials, request.method, request.uri.text(), cnonce=entropy(16).hex()
        )
    if not answers:
        raise DigestError("the peer offers no Digest challenge with SHA-256 or MD5 and qop=auth")
    for name, _ in answers:
        request.headers.remove(name)
    for (name, _), value in answers.items():
        request.headers.add(name, value)


def answer(
    challenge: Challenge, credentials: Credentials, method: str, uri: str, *, cnonce: str, count: int = 1
) -> str:
    """The value of the Authorization header. `count` is how often this nonce has been answered, this time included."""
    nonce_count = f"{count:08x}"
    secret = secret_hash(challenge.algorithm, credentials, challenge.realm)
    quoted = {
        "username": credentials.username,
        "realm": challenge.realm,
        "nonce": challenge.nonce,
        "uri": uri,
    }
    plain = {"algorithm": challenge.algorithm.value}
    if challenge.has_qop:
        quoted["cnonce"] = cnonce
        plain |= {"qop": "auth", "nc": nonce_count}
    quoted["response"] = response_hash(
        challenge.algorithm,
        secret,
        method=method,
        uri=uri,
        nonce=challenge.nonce,
        count_and_cnonce=(nonce_count, cnonce) if challenge.has_qop else None,
    )
    if challenge.opaque is not None:
        quoted["opaque"] = challenge.opaque
    pairs = [f"{name}={quote(value)}" for name, value in quoted.items()] + [
        f"{name}={value}" for name, value in plain.items()
    ]
    return "Digest " + ", ".join(pairs)


def secret_hash(algorithm: Algorithm, credentials: Credentials, realm: str) -> str:
    """H(A1) of RFC 7616 section 3.4.2."""
    return algorithm.hash(f"{credentials.username}:{realm}:{credentials.password}")


def response_hash(
    algorithm: Algorithm,
    secret: str,
    *,
    method: str,
    uri: str,
    nonce: str,
    count_and_cnonce: tuple[str, str] | None,
) -> str:
    """The response of RFC 7616 section 3.4.1; None for `count_and_cnonce` is the form without qop."""
    act = algorithm.hash(f"{method}:{uri}")
    if count_and_cnonce is None:
        return algorithm.hash(f"{secret}:{nonce}:{act}")
    nonce_count, cnonce = count_and_cnonce
    return algorithm.hash(f"{secret}:{nonce}:{nonce_count}:{cnonce}:auth:{act}")


def algorithm_of(parameters: Mapping[str, str]) -> Algorithm | None:
    """The algorithm named, MD5 when none is (RFC 7616 section 3.3); None for one that we do not speak."""
    named = parameters.get("algorithm", "MD5").upper()
    return next((algorithm for algorithm in Algorithm if algorithm.value == named), None)


def _challenges(response: Response, header: str, *, is_proxy: bool) -> Iterator[Challenge]:
    for value in response.headers.get_all(header)[:MAX_MULTIPLE_CHALLENGES]:
        parameters = parse_digest(value, header)
        if parameters is None:
            continue
        algorithm = algorithm_of(parameters)
        offered = [word.strip(WHITESPACE).lower() for word in parameters.get("qop", "").split(",")]
        if algorithm is None or not ("auth" in offered or offered == [""]):
            continue
        if "realm" not in parameters or "nonce" not in parameters:
            raise SipParseError(header, "has a realm and a nonce")
        yield Challenge(
            parameters["realm"],
            parameters["nonce"],
            algorithm,
            has_qop="auth" in offered,
            opaque=parameters.get("opaque"),
            stale=parameters.get("stale", "").lower() == "true",
            is_proxy=is_proxy,
        )


def _answered_places(request: Request) -> set[tuple[str, str]]:
    """The header and realm of each answer that the request carries."""
    places: set[tuple[str, str]] = set()
    for header in ("Authorization", "Proxy-Authorization"):
        for value in request.headers.get_all(header):
            parameters = parse_digest(value, header)
            if parameters is not None:
                places.add((header, parameters.get("realm", "")))
    return places
