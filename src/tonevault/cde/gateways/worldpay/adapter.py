"""Access Worldpay as an adapter of the gateway port (JSON over HTTPS, API version 2024-06-01). Resends nothing: it has no idempotency."""

from collections import OrderedDict
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from tonevault.cde.blanks import Blanks
from tonevault.cde.gateway import (
    Authorisation,
    Code,
    Feature,
    GatewayAnswer,
    GatewayTraits,
    Hint,
    Kind,
    Listed,
    Made,
    Verdict,
)
from tonevault.cde.gateways.worldpay import codes, reading
from tonevault.cde.gateways.worldpay.queries import FOLLOW_UPS, Action, PaymentQueries, Record, links
from tonevault.cde.gateways.worldpay.request import follow_up_body, payment_body
from tonevault.cde.gateways.worldpay.settings import WorldpayAccess
from tonevault.cde.gateways.worldpay.webhook import read_webhook
from tonevault.kernel.clock import Clock
from tonevault.kernel.ids import AccountId, Entropy
from tonevault.kernel.money import Money
from tonevault.plumbing.entropy import SYSTEM_ENTROPY
from tonevault.plumbing.https_line import HttpsLine, Reply

API_VERSION: Final = "2024-06-01"
TIMEOUT_S: Final = 30.0
"""For one request: issuers may take 20 seconds."""
VISIBILITY_LAG_S: Final = 900.0
"""Worldpay says that a payment may be missing from its queries for up to 15 minutes."""
KEPT_LINKS: Final = 10_000
"""Payments whose next actions are remembered, so that a capture soon after needs no query; some 2 kB each."""
ACTIONS: Final = {
    Kind.CAPTURE: (Action.SETTLE_PART, Action.SETTLE),
    Kind.VOID: (Action.CANCEL,),
    Kind.REFUND: (Action.REFUND_PART, Action.REFUND),
}
"""What does each follow-up, the best first: the partial verbs alone take our reference, by which a look-up finds them."""


class WorldpayGateway:
    """One merchant's payments at Worldpay."""

    def __init__(
        self,
        account_id: AccountId,
        access: WorldpayAccess,
        clock: Clock,
        *,
        timeout_s: float = TIMEOUT_S,
        visibility_lag_s: float = VISIBILITY_LAG_S,
        entropy: Entropy = SYSTEM_ENTROPY,
    ) -> None:
        """Raises ValueError for a `url` that is neither HTTPS nor on this machine."""
        self._account_id = account_id
        self._access = access
        self._clock = clock
        self._line = HttpsLine(
            access.url,
            timeout_s=timeout_s,
            headers={"WP-Api-Version": API_VERSION, "Content-Type": "application/json"},
            auth=(access.username, access.password),
        )
        self._blanks = Blanks(entropy)
        self._queries = PaymentQueries(self._line)
        self._links: OrderedDict[str, dict[Action, str]] = OrderedDict()
        self._traits = GatewayTraits(
            "worldpay",
            idempotent=False,
            key_ttl_s=0.0,
            visibility_lag_s=visibility_lag_s,
            features=frozenset(Feature) - {Feature.CHALLENGE},
        )

    @property
    def traits(self) -> GatewayTraits:
        """Not idempotent, and slow to show what it has done: everything rests on looking up."""
        return self._traits

    async def authorise(self, request: Authorisation) -> GatewayAnswer:
        """`POST /api/payments`. What is only held, by wish or for a postal code alone, is ours to let go on a mismatch."""
        answer, actions = await self._pay(request)
        if answer.verdict is not Verdict.APPROVED or answer.taken:
            return answer
        if reading.has_mismatch(answer):
            done = await self._act(actions, Action.CANCEL)
            declined = reading.mismatched(answer)
            return declined if _is_done(done) else replace(declined, verdict=Verdict.UNKNOWN)
        if not request.terms.take_now:
            return answer
        body = follow_up_body(request.reference, request.money)
        done = await self._act(actions, Action.SETTLE_PART, body) or await self._act(actions, Action.SETTLE)
        return replace(answer, taken=True) if _is_done(done) else reading.SILENT

    async def verify(self, request: Authorisation) -> GatewayAnswer:
        """A payment of nothing, which Worldpay carries out as an account verification."""
        answer, _ = await self._pay(request)
        return reading.mismatched(answer) if reading.has_mismatch(answer) else answer

    async def follow_up(self, made: Made) -> GatewayAnswer:
        """Settle, cancel or refund by the links that Worldpay gave with the payment."""
        refused = GatewayAnswer(Verdict.DECLINED, code=reading.REFUSED[made.kind])
        if made.of is None or made.account_id != self._account_id:
            return refused
        actions = self._links.get(made.of.reference)
        if actions is None:
            records = await self._queries.find(made.of.reference)
            if records is None or (not records and self._may_lag(made.of)):
                return reading.UNREACHED
            actions = next((each.links for each in records if each.links), {})
        action = next((each for each in ACTIONS[made.kind] if each in actions), None)
        if action is None:
            return refused
        partial = action in (Action.SETTLE_PART, Action.REFUND_PART)
        if not partial and made.kind is not Kind.VOID and made.money != made.of.money:
            return refused
        body = follow_up_body(made.reference, made.money) if partial else None
        reply = await self._act(actions, action, body)
        if reply is None:
            return reading.UNREACHED
        # What may be done next has changed.
        self._links.pop(made.of.reference, None)
        return reply if isinstance(reply, GatewayAnswer) else self._followed(made, reply, refused)

    async def look_up(self, made: Made) -> GatewayAnswer | None:
        """By our reference, among the payments, or among the events of the payment that it belongs to."""
        if made.account_id != self._account_id:
            return None
        whole = made.of or made
        records = await self._queries.find(whole.reference)
        if records is None:
            return reading.SILENT
        if made.kind in (Kind.PAYMENT, Kind.VERIFICATION):
            return await self._settled(made, records)
        answers = (reading.followed(each, made.kind, made.reference) for each in records)
        return next((each for each in answers if each is not None), None)

    async def cancel(self, made: Made) -> GatewayAnswer:
        """Look first; what is held is let go, and what is not found within the visibility lag is not believed to be absent."""
        found = await self.look_up(made)
        if found is None:
            return reading.SILENT if self._may_lag(made) else reading.CALLED_OFF
        return found

    async def listed(self, account_id: AccountId, since: datetime, until: datetime) -> AsyncIterator[Listed]:
        """Payments that were made in the span, with the captures, voids and refunds that they have had in it.

        Those of an older payment are not among them: Worldpay's list goes by the day of the payment.
        """
        if account_id != self._account_id:
            return
        async for record in self._queries.between(since, until):
            for line in _lines(record):
                if since <= line.at < until:
                    yield line

    def heard(self, headers: Mapping[str, str], body: bytes, now: datetime) -> tuple[Hint, ...]:
        """Signed by a shared key, at most a week old."""
        return read_webhook(self._access.webhook_keys, headers, body, now)

    async def close(self) -> None:
        """Close the connections."""
        await self._line.close()

    async def _pay(self, request: Authorisation) -> tuple[GatewayAnswer, dict[Action, str]]:
        if request.account_id != self._account_id:
            return GatewayAnswer(Verdict.FAILED, code=Code.GATEWAY_MISCONFIGURED), {}
        with self._blanks.lent(request.card.number, request.card.security_code) as card:
            body = self._blanks.body(payment_body(request, self._access, card))
            reply = await self._line.ask("POST", "/api/payments", body)
        if (silence := reading.silence(reply)) is not None or not isinstance(reply, Reply):
            return silence or reading.SILENT, {}
        actions = links(reply)
        if actions:
            self._links[request.reference] = actions
            while len(self._links) > KEPT_LINKS:
                self._links.popitem(last=False)
        return reading.payment(reply, request), actions

    async def _act(
        self, actions: Mapping[Action, str], action: Action, body: bytes | None = None
    ) -> Reply | GatewayAnswer | None:
        """Follow a link: the reply, an answer where there was none, or None where there is no such link and nothing was sent."""
        if action not in actions:
            return None
        reply = await self._line.ask("POST", actions[action], body)
        if (silence := reading.silence(reply)) is not None or not isinstance(reply, Reply):
            return silence or reading.SILENT
        return reply

    def _may_lag(self, made: Made) -> bool:
        return self._clock.utc() < made.made_at + timedelta(seconds=self._traits.visibility_lag_s)

    async def _settled(self, made: Made, records: list[Record]) -> GatewayAnswer | None:
        answers = [(reading.recorded(each), each) for each in records]
        if not answers:
            # What was answered once is there, whatever a query says.
            return None if made.unwanted is None else reading.SILENT
        for verdict in (Verdict.APPROVED, Verdict.UNKNOWN):
            for answer, record in answers:
                if answer.verdict is verdict:
                    return await self._finished(made, record, answer)
        answer, record = answers[0]
        return await self._finished(made, record, answer)

    async def _finished(self, made: Made, record: Record, answer: GatewayAnswer) -> GatewayAnswer:
        """A payment that is held and should not be is let go: one that did not match, and one that was to be taken but was left between its
        two steps, for nobody knows the postal code's check."""
        left = made.terms.take_now or made.unwanted is not None
        if not (made.kind is Kind.PAYMENT and left and record.is_held):
            return answer if made.unwanted is None else reading.let_go(record, answer, made.unwanted)
        if not _is_done(await self._act(record.links, Action.CANCEL)):
            return reading.SILENT
        return reading.CALLED_OFF if made.unwanted is None else reading.let_go(record, answer, made.unwanted)

    def _followed(self, made: Made, reply: Reply, refused: GatewayAnswer) -> GatewayAnswer:
        if reply.status >= 300:
            code = codes.error(reply)
            return GatewayAnswer(Verdict.FAILED, code=code) if code is Code.GATEWAY_MISCONFIGURED else refused
        payment = made.of.gateway_reference if made.of is not None else None
        return GatewayAnswer(Verdict.APPROVED, payment or made.reference)


def _is_done(reply: Reply | GatewayAnswer | None) -> bool:
    return isinstance(reply, Reply) and reply.status < 300


def _lines(record: Record) -> list[Listed]:
    answer = reading.recorded(record)
    approved = record.has("authorization", "Succeeded") or record.has("sale", "Succeeded")
    lines: list[Listed] = []
    if approved:
        money = Money(record.amount, record.currency)
        lines.append(
            Listed(record.reference, record.payment_id, Kind.PAYMENT, money, answer.verdict, record.at)
        )
    for event in record.events:
        kind = FOLLOW_UPS.get(event.stem)
        if kind is None or event.ending != "Requested":
            continue
        if kind is Kind.CAPTURE and event.reference in (None, record.reference):
            continue  # The payment's own taking, at once or in its second step.
        amount = record.amount if event.amount is None else event.amount
        found = reading.followed(record, kind, event.reference or "")
        verdict = Verdict.APPROVED if found is None else found.verdict
        lines.append(
            Listed(
                event.reference, record.payment_id, kind, Money(amount, record.currency), verdict, event.at
            )
        )
    return lines
