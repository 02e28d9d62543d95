"""`/v1/sessions`: the agent's main job."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import Field

from tonevault.boundary.captures import Billing, CaptureState, FieldName
from tonevault.boundary.charges import Taking
from tonevault.boundary.tokens import TokenUsage
from tonevault.desk.paging import Page
from tonevault.desk.path_ids import SESSION_ID, TOKEN_ID
from tonevault.desk.payments.currencies import CurrenciesOf, taken_money
from tonevault.desk.people.door import Command, Door
from tonevault.desk.people.model import Principal, Scope
from tonevault.desk.refusal import invalid
from tonevault.desk.sessions.model import LIFETIME, Session, SessionDraft
from tonevault.desk.sessions.service import Correction, SessionService
from tonevault.desk.web.answer import answer
from tonevault.desk.web.clean_text import Body, CleanWords
from tonevault.desk.web.money import AmountMinor, Currency
from tonevault.desk.web.paged import Paged
from tonevault.kernel.ids import (
    CHARGE,
    SESSION,
    AccountId,
    CallId,
    ChargeId,
    CustomerId,
    SessionId,
    TokenId,
)
from tonevault.kernel.money import Money

LIFETIME_S = int(LIFETIME.total_seconds())
MAX_LIFETIME_S = 4 * 3600
"""Longer than a call that takes a card; the secure zone holds what was keyed for as long."""

CallRef = Annotated[str, Field(pattern=r"^call_[a-z]{28}$")]
CustomerRef = Annotated[str, Field(pattern=r"^cus_[a-z]{28}$")]
TimeoutSeconds = Annotated[float, Field(ge=1, le=600, allow_inf_nan=False)]


PostalText = Annotated[
    str, Field(strict=True, max_length=10, pattern=r"^[A-Za-z0-9][A-Za-z0-9 -]{0,8}[A-Za-z0-9]$")
]


class BillingBody(Body):
    """The card holder's address, for the issuer to compare (AVS); a postal code keyed on the phone counts before this one."""

    postal_code: PostalText | None = None
    address_line: Annotated[CleanWords, Field(min_length=1, max_length=60)] | None = None

    def billing(self) -> Billing:
        """As the boundary takes it."""
        return Billing(postal_code=self.postal_code, address_line=self.address_line)


class SessionRetry(BillingBody):
    """What is corrected. The security code died with the first run: capture it again, or say that this run goes without it."""

    without_security_code: bool = False


class SessionCreate(Body):
    """Open a session on a live call. With `amount` and `currency`, completing it also charges; without, it only takes the card.

    `fields` are those of the account's configuration unless named. `capture: manual` only holds the money. `billing` is what the
    issuer is to compare. `replaces` names a token whose customer has a new card: it becomes `replaced` and points to the new one.
    """

    call_id: CallRef
    amount: AmountMinor | None = None
    currency: Currency | None = None
    customer_id: CustomerRef | None = None
    reference: CleanWords = ""
    description: CleanWords = ""
    fields: Annotated[tuple[FieldName, ...], Field(min_length=1, max_length=4)] | None = None
    capture: Taking = Taking.AUTOMATIC
    billing: BillingBody = BillingBody()
    replaces: Annotated[str, Field(pattern=r"^tok_[a-z]{28}$")] | None = None
    usage: TokenUsage = TokenUsage.MULTI
    max_attempts: Annotated[int, Field(strict=True, ge=1, le=10)] = 3
    first_digit_timeout_s: TimeoutSeconds = 30.0
    inter_digit_timeout_s: TimeoutSeconds = 10.0
    expires_in_s: Annotated[int, Field(strict=True, ge=60, le=MAX_LIFETIME_S)] = LIFETIME_S

    def draft(self, account_id: AccountId, currencies_of: CurrenciesOf) -> SessionDraft:
        """As the service takes it."""
        if self.fields is not None:
            _check(self.fields)
        return SessionDraft(
            call_id=CallId(self.call_id),
            amount=self._money(account_id, currencies_of),
            customer_id=None if self.customer_id is None else CustomerId(self.customer_id),
            reference=self.reference,
            description=self.description,
            fields=self.fields,
            usage=self.usage,
            max_attempts=self.max_attempts,
            first_digit_timeout_s=self.first_digit_timeout_s,
            inter_digit_timeout_s=self.inter_digit_timeout_s,
            lifetime=timedelta(seconds=self.expires_in_s),
            capture=self.capture,
            billing=self.billing.billing(),
            replaces=None if self.replaces is None else TokenId(self.replaces),
        )

    def _money(self, account_id: AccountId, currencies_of: CurrenciesOf) -> Money | None:
        match (self.amount, self.currency):
            case (None, None):
                return None
            case (int() as amount, str() as currency):
                return taken_money(currencies_of, account_id, amount, currency)
            case (None, _):
                raise invalid("amount", "required", "goes with currency; give both or neither")
            case _:
                raise invalid("currency", "required", "goes with amount; give both or neither")


def _check(fields: tuple[FieldName, ...]) -> None:
    if len(set(fields)) != len(fields):
        raise invalid("fields", "unique", "must name each field once")
    if FieldName.CARD_NUMBER not in fields or FieldName.EXPIRY not in fields:
        raise invalid("fields", "required", "must hold card_number and expiry; a token needs both")


def session_routes(sessions: SessionService, door: Door, currencies_of: CurrenciesOf) -> APIRouter:
    """The routes of sessions."""
    router = APIRouter(prefix="/sessions", tags=["sessions"])

    @router.post("", status_code=201, response_model=Session)
    async def open_session(
        command: Annotated[Command, door.writer(Scope.SESSIONS_WRITE)],
        body: SessionCreate,
    ) -> Response:
        """Open a payment session on a live call; the platform's recording is paused until it is over."""
        account_id = command.account_id
        draft = body.draft(account_id, currencies_of)
        return await command.made(
            lambda letters: sessions.open(account_id, SessionId(f"{SESSION}_{letters}"), draft, command.actor)
        )

    @router.get("", response_model=Page[Session])
    async def list_sessions(
        principal: Annotated[Principal, door.reader(Scope.SESSIONS_READ)],
        page: Paged,
        call_id: Annotated[str | None, Query(pattern=r"^call_[a-z]{28}$")] = None,
        customer_id: Annotated[str | None, Query(pattern=r"^cus_[a-z]{28}$")] = None,
        state: CaptureState | None = None,
    ) -> Response:
        """Sessions, newest first."""
        found = await sessions.page(
            principal.account_id,
            page,
            call_id=None if call_id is None else CallId(call_id),
            customer_id=None if customer_id is None else CustomerId(customer_id),
            state=state,
        )
        return answer(found)

    @router.get("/{session_id}", response_model=Session)
    async def get_session(
        principal: Annotated[Principal, door.reader(Scope.SESSIONS_READ)], session_id: str
    ) -> Response:
        """One session: its state, its fields with dots and masked values, its token and its charge."""
        return answer(await sessions.get(principal.account_id, SESSION_ID.read(session_id)))

    @router.post("/{session_id}/fields/{field}/capture", response_model=Session)
    async def capture_field(
        command: Annotated[Command, door.writer(Scope.SESSIONS_WRITE, key_required=False)],
        session_id: str,
        field: FieldName,
    ) -> Response:
        """Open a field's capture window, or take the field again. The customer keys the value and `#`; `*` clears."""
        known = SESSION_ID.read(session_id)
        return await command.done(
            lambda: sessions.start_field(command.account_id, known, field, command.actor)
        )

    @router.post("/{session_id}/complete", response_model=Session)
    async def complete_session(
        command: Annotated[Command, door.writer(Scope.SESSIONS_WRITE, key_required=False)],
        session_id: str,
    ) -> Response:
        """Vault the card and, where the session has an amount, charge it. A decline is a result: 200 with its state."""
        known = SESSION_ID.read(session_id)
        return await command.done(lambda: sessions.complete(command.account_id, known, command.actor))

    @router.post("/{session_id}/retry", response_model=Session)
    async def retry_session(
        command: Annotated[Command, door.writer(Scope.SESSIONS_WRITE)],
        session_id: str,
        body: SessionRetry,
    ) -> Response:
        """Run a charge again that was declined for its address (`mismatch`), with what is corrected, while the capture lasts."""
        known = SESSION_ID.read(session_id)
        correction = Correction(body.billing(), body.without_security_code)
        return await command.made(
            lambda letters: sessions.retry(
                command.account_id,
                known,
                correction,
                charge_id=ChargeId(f"{CHARGE}_{letters}"),
                actor=command.actor,
            ),
            status=200,
        )

    @router.post("/{session_id}/cancel", response_model=Session)
    async def cancel_session(
        command: Annotated[Command, door.writer(Scope.SESSIONS_WRITE, key_required=False)],
        session_id: str,
    ) -> Response:
        """Discard what was captured and resume the recording. Harmless when the session is over."""
        known = SESSION_ID.read(session_id)
        return await command.done(lambda: sessions.cancel(command.account_id, known, command.actor))

    return router


class TokenReplace(Body):
    """The call on which the customer keys the new card."""

    call_id: CallRef
    reference: CleanWords = ""


def replacement_routes(sessions: SessionService, door: Door) -> APIRouter:
    """The route by which a token gets a successor."""
    router = APIRouter(prefix="/tokens", tags=["tokens"])

    @router.post("/{token_id}/replace", status_code=201, response_model=Session)
    async def replace_token(
        command: Annotated[Command, door.writer(Scope.SESSIONS_WRITE)],
        token_id: str,
        body: TokenReplace,
    ) -> Response:
        """Open a session for the customer's new card. Once it is vaulted, this token is `replaced` and points to the new one."""
        draft = SessionDraft(
            call_id=CallId(body.call_id), reference=body.reference, replaces=TOKEN_ID.read(token_id)
        )
        return await command.made(
            lambda letters: sessions.open(
                command.account_id, SessionId(f"{SESSION}_{letters}"), draft, command.actor
            )
        )

    return router
