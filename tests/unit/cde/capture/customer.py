"""A session in simulated time and the customer who keys into it, for tests of the machine."""

import gc
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from tests.unit.cde.capture.presses import key

from tonevault.boundary.captures import CaptureRequest, FieldName, FieldView
from tonevault.boundary.charges import Amount
from tonevault.cde.capture.model import Moment
from tonevault.cde.capture.session import CaptureSession
from tonevault.cde.capture.telling import Telling
from tonevault.cde.media import Carrier
from tonevault.cde.sealed.card_number import CardNumber
from tonevault.cde.sealed.security_code import SecurityCode
from tonevault.cde.sealed.warrant import open_code, open_number
from tonevault.kernel.ids import AccountId, CallId, ChargeId, SessionId

START = datetime(2027, 3, 1, 12, tzinfo=UTC)
KEY_GAP_S = 0.2

NUMBER, EXPIRY, CODE, POSTAL = (
    FieldName.CARD_NUMBER,
    FieldName.EXPIRY,
    FieldName.SECURITY_CODE,
    FieldName.POSTAL_CODE,
)
VISA = "4242424242424242"
AMEX = "378282246310005"


def request(mark: str = "a", **changes: object) -> CaptureRequest:
    return CaptureRequest.model_validate(
        {
            "session_id": SessionId("ps_" + mark * 28),
            "account_id": AccountId("acme"),
            "call_id": CallId("call_" + "c" * 28),
            "amount": Amount(amount_minor=1250, currency="GBP"),
            "charge_id": ChargeId("ch_" + mark * 28),
            "expires_at": START + timedelta(minutes=30),
        }
        | changes
    )


@dataclass
class Customer:
    """Keys into `session`; `seconds` is the time since START, on both clocks."""

    request: CaptureRequest = field(default_factory=request)
    seconds: float = 100.0

    def __post_init__(self) -> None:
        self.session = CaptureSession(self.request, self.now)

    @property
    def now(self) -> Moment:
        return Moment(self.seconds, START + timedelta(seconds=self.seconds - 100.0))

    def start(self, name: FieldName) -> None:
        self.session.start(name, self.now)

    def key(self, keys: str, *carriers: Carrier) -> None:
        """Press keys, each told at once by every carrier."""
        for character in keys:
            self.press(character, *carriers)
            self.seconds += KEY_GAP_S / 2
            self.lets_go(*carriers)
            self.seconds += KEY_GAP_S / 2

    def press(self, character: str, *carriers: Carrier) -> None:
        """A key goes down, told at once by every carrier."""
        for carrier in carriers or (Carrier.EVENT,):
            self.session.tell(Telling(key(character), carrier, self.seconds, self.seconds), self.now)

    def lets_go(self, *carriers: Carrier) -> None:
        """It is up again, which a relay tells of those carriers that it hears."""
        for carrier in set(carriers or (Carrier.EVENT,)) - {Carrier.INFO}:
            self.session.held(carrier, self.seconds, self.now)

    def capture(self, name: FieldName, keys: str) -> None:
        self.start(name)
        self.key(keys + "#")

    def capture_all(self, number: str = VISA, code: str = "123") -> None:
        self.capture(NUMBER, number)
        self.capture(EXPIRY, "1230")
        self.capture(CODE, code)

    def wait(self, seconds: float) -> None:
        """Let time pass, with a tick at every deadline on the way."""
        end = self.seconds + seconds
        while (due := self.session.deadline) is not None and due <= end:
            self.seconds = max(self.seconds, due)
            self.session.tick(self.now)
        self.seconds = end

    def field(self, name: FieldName) -> FieldView:
        return next(each for each in self.session.view().fields if each.name is name)


def everywhere(session: CaptureSession) -> list[str]:
    """Digits that are still reachable from a session."""
    found, seen, waiting = [], set(), [session]
    while waiting:
        each = waiting.pop()
        if id(each) in seen or isinstance(each, type):
            continue
        seen.add(id(each))
        if isinstance(each, CardNumber):
            with open_number(each) as digits:
                found.append(bytes(digits).decode())
        if isinstance(each, SecurityCode):
            with open_code(each) as digits:
                found.append(bytes(digits).decode())
        if not hasattr(each, "__module__") or str(each.__module__).startswith("tonevault.cde"):
            waiting += gc.get_referents(each)
    return found
