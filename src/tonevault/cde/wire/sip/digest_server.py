"""The server's half of digest authentication: nonces that need no memory until they are used, and are counted once they are."""

import hashlib
import hmac
from collections import OrderedDict
from collections.abc import Callable
from enum import Enum, auto

from tonevault.cde.wire.sip.digest import (
    Algorithm,
    Challenge,
    Credentials,
    algorithm_of,
    parse_digest,
    response_hash,
    secret_hash,
)
from tonevault.cde.wire.sip.errors import SipParseError
from tonevault.cde.wire.sip.limits import MAX_REMEMBERED_NONCES
from tonevault.cde.wire.sip.message import Request, Response
from tonevault.cde.wire.sip.peer import Entropy

NONCE_LIFETIME_S = 300.0
"""How long a nonce is answered: a phone that registers or calls again within it saves a round trip."""

_NO_USER = Credentials("", "")


class Verdict(Enum):
    """What became of a request's credentials."""

    ACCEPTED = auto()
    """The user has the password."""

    ABSENT = auto()
    """None for this realm: challenge."""

    STALE = auto()
    """Right, but for a nonce that is old, unknown or used up: challenge anew, with stale=true."""

    WRONG = auto()
    """No such user, another password, or an answer to something else."""


class DigestServer:
    """Challenges for one realm, and checks the answers. Time is in seconds, monotonic."""

    def __init__(
        self, realm: str, entropy: Entropy, algorithms: tuple[Algorithm, ...] = tuple(Algorithm)
    ) -> None:
        self._realm = realm
        self._entropy = entropy
        self._algorithms = algorithms
        self._secret = entropy(32)
        self._counts: OrderedDict[str, int] = OrderedDict()

    def challenge(self, response: Response, now: float, *, stale: bool = False) -> None:
        """Put one challenge an algorithm into a 401 or 407 response, the strongest first (RFC 8760 section 2.3)."""
        is_proxy = response.status == 407
        for algorithm in self._algorithms:
            challenge = Challenge(
                self._realm, self._new_nonce(now), algorithm, stale=stale, is_proxy=is_proxy
            )
            response.headers.add("Proxy-Authenticate" if is_proxy else "WWW-Authenticate", challenge.text())

    def verify(
        self,
        request: Request,
        password_of: Callable[[str], str | None],
        now: float,
        *,
        is_proxy: bool = False,
    ) -> tuple[Verdict, str]:
        """The verdict and, when ACCEPTED, the user. `password_of` gives None for an unknown user. Never raises for what came in."""
        header = "Proxy-Authorization" if is_proxy else "Authorization"
        for value in request.headers.get_all(header):
            try:
                parameters = parse_digest(value, header)
            except SipParseError:
                return Verdict.WRONG, ""
            if parameters is not None and parameters.get("realm") == self._realm:
                return self._judge(parameters, request, password_of, now)
        return Verdict.ABSENT, ""

    def _judge(
        self,
        parameters: dict[str, str],
        request: Request,
        password_of: Callable[[str], str | None],
        now: float,
    ) -> tuple[Verdict, str]:
        algorithm = algorithm_of(parameters)
        count = parameters.get("nc", "")
        if (
            algorithm not in self._algorithms
            or parameters.get("qop", "").lower() != "auth"
            or len(count) != 8
            or any(digit not in "0123456789abcdefABCDEF" for digit in count)
        ):
            return Verdict.WRONG, ""
        user, nonce = parameters.get("username", ""), parameters.get("nonce", "")
        password = password_of(user)
        # An unknown user costs the same arithmetic, so that the time does not tell which users exist.
        credentials = _NO_USER if password is None else Credentials(user, password)
        expected = response_hash(
            algorithm,
            secret_hash(algorithm, credentials, self._realm),
            method=request.method,
            uri=request.uri.text(),
            nonce=nonce,
            count_and_cnonce=(count, parameters.get("cnonce", "")),
        )
        given = parameters.get("response", "").lower().encode("utf-8", "surrogateescape")
        if not hmac.compare_digest(expected.encode(), given) or password is None:
            return Verdict.WRONG, ""
        return (Verdict.ACCEPTED, user) if self._use(nonce, int(count, 16), now) else (Verdict.STALE, "")

    def _new_nonce(self, now: float) -> str:
        stamp = f"{int(now * 1000):x}.{self._entropy(8).hex()}"
        return f"{stamp}.{self._seal(stamp)}"

    def _seal(self, stamp: str) -> str:
        return hmac.new(self._secret, stamp.encode("utf-8", "surrogateescape"), hashlib.sha256).hexdigest()[
            :32
        ]

    def _use(self, nonce: str, count: int, now: float) -> bool:
        """Whether the nonce is ours, young, and its count higher than any before: a recorded answer is not taken twice."""
        stamp, _, seal = nonce.rpartition(".")
        if not hmac.compare_digest(self._seal(stamp).encode(), seal.encode("utf-8", "surrogateescape")):
            return False
        issued = int(stamp.partition(".")[0], 16) / 1000
        if not 0 <= now - issued + 0.001 <= NONCE_LIFETIME_S or count <= self._counts.get(nonce, 0):
            return False
        self._counts[nonce] = count
        self._counts.move_to_end(nonce)
        if len(self._counts) > MAX_REMEMBERED_NONCES:
            # The oldest would be taken again only within its lifetime; at this many at once the bound matters more.
            self._counts.popitem(last=False)
        return True
