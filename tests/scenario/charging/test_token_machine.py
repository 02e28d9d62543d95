"""The vault against a simple model of it: captures, charges, replacements, revocations, expiry of every kind, restarts, in any order."""

import asyncio
import tempfile
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, multiple, rule
from sqlalchemy import select
from tests.till import ACCOUNT, Till, code, number, request

from tonevault.boundary.charges import ChargeState
from tonevault.boundary.tokens import TokenState, TokenUsage
from tonevault.cde.schema import TOKEN
from tonevault.cde.sealed.small_field import Expiry
from tonevault.kernel.ids import TokenId

CARDS = (b"4242424242424242", b"5555555555554444", b"378282246310005")
EXPIRIES = (Expiry(3, 2027), Expiry(4, 2027), Expiry(12, 2030))
LAST_GOOD = {Expiry(3, 2027): datetime(2027, 4, 1, 12), Expiry(4, 2027): datetime(2027, 5, 1, 12)}  # noqa: DTZ001


@dataclass
class Known:
    """What the model holds of a token."""

    card: bytes
    usage: TokenUsage
    expiry: Expiry
    made_at: datetime
    ended: TokenState | None = None
    successor: TokenId | None = None
    touched_at: datetime = field(init=False)
    """When it was made, renewed or charged last: what is not touched for long is ended."""

    def __post_init__(self) -> None:
        self.touched_at = self.made_at

    def renew(self, expiry: Expiry, now: datetime) -> None:
        """A later expiry counts, an earlier one is old news."""
        if (expiry.year, expiry.month) > (self.expiry.year, self.expiry.month):
            self.expiry, self.touched_at = expiry, now

    def state(self, now: datetime) -> TokenState:
        if self.ended is not None:
            return self.ended
        if self.usage is TokenUsage.SINGLE and now >= self.made_at + timedelta(minutes=15):
            return TokenState.EXPIRED
        end = LAST_GOOD.get(self.expiry)
        return TokenState.EXPIRED if end and now.replace(tzinfo=None) >= end else TokenState.ACTIVE


class TokenMachine(RuleBasedStateMachine):
    """Each rule does one thing to vault and model, and compares what they say."""

    tokens = Bundle("tokens")

    @initialize()
    def open(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.runner = asyncio.Runner()
        self.till = Till(Path(self.folder.name))
        self.model: dict[TokenId, Known] = {}

    def teardown(self) -> None:
        if hasattr(self, "till"):
            self.runner.run(self.till.close())
            self.runner.close()
            self.folder.cleanup()

    @property
    def now(self) -> datetime:
        return self.till.clock.utc()

    @rule(
        target=tokens,
        card=st.sampled_from(CARDS),
        expiry=st.sampled_from(EXPIRIES),
        usage=st.sampled_from(TokenUsage),
    )
    def capture(self, card: bytes, expiry: Expiry, usage: TokenUsage) -> object:
        fresh = Known(card, usage, expiry, self.now)
        taken = self.till.vault.tokenise(ACCOUNT, number(card), expiry, usage, self.now)
        if fresh.state(self.now) is TokenState.EXPIRED:
            try:
                self.runner.run(taken)
            except ValueError:
                return multiple()
            raise AssertionError("an expired card was taken")
        view, existing = self.runner.run(taken)
        live = [
            token_id
            for token_id, known in self.model.items()
            if known.card == card and known.usage is usage is TokenUsage.MULTI and known.ended is None
        ]
        assert existing is bool(live)
        if live:
            assert live == [view.token_id]
            self.model[view.token_id].renew(expiry, self.now)
        else:
            assert view.token_id not in self.model
            self.model[view.token_id] = fresh
        return view.token_id

    @rule(token=tokens)
    def charge(self, token: TokenId) -> None:
        known = self.model[token]
        before, known.touched_at = known.state(self.now), self.now
        result = self.runner.run(self.till.cashier.charge(request(token), code()))
        if before is TokenState.ACTIVE:
            assert result.state is ChargeState.SUCCEEDED
            if known.usage is TokenUsage.SINGLE:
                known.ended = TokenState.CONSUMED
        else:
            assert (result.state, result.code) == (ChargeState.FAILED, "token_not_chargeable")

    @rule(token=tokens)
    def revoke(self, token: TokenId) -> None:
        self.runner.run(self.till.vault.revoke(ACCOUNT, token, self.now))
        self.model[token].ended = TokenState.REVOKED

    @rule(old=tokens, successor=st.none() | tokens)
    def replace(self, old: TokenId, successor: TokenId | None) -> None:
        """By another card of the customer, or by a number that the issuer has given out and nobody has captured yet."""
        known = self.model[old]
        view = self.runner.run(self.till.cashier.tokens.replace(ACCOUNT, old, successor, self.now))
        if known.ended is not None or old == successor:
            assert view is None
            return
        known.ended, known.successor = TokenState.REPLACED, successor
        assert view is not None
        assert (view.state, view.replaced_by) == (TokenState.REPLACED, successor)

    @rule(token=tokens, expiry=st.sampled_from(EXPIRIES))
    def tell_of_an_expiry(self, token: TokenId, expiry: Expiry) -> None:
        """The issuer has renewed the card under the same number."""
        known, before = self.model[token], self.model[token].expiry
        view = self.runner.run(self.till.cashier.tokens.update_expiry(ACCOUNT, token, expiry, self.now))
        if known.ended is None:
            known.renew(expiry, self.now)
        assert (view is not None) is (known.expiry != before)

    @rule()
    def end_what_is_unused(self) -> None:
        """Retention: nobody has charged or renewed it for ten days."""
        since = self.now - timedelta(days=10)
        ended = self.runner.run(self.till.cashier.tokens.expire_unused(ACCOUNT, since, self.now))
        unused = [
            known
            for known in self.model.values()
            if known.ended is None and known.usage is TokenUsage.MULTI and known.touched_at < since
        ]
        assert ended == len(unused)
        for known in unused:
            known.ended = TokenState.EXPIRED

    @rule()
    def sweep(self) -> None:
        self.runner.run(self.till.vault.sweep(self.now))
        for known in self.model.values():
            if known.usage is TokenUsage.SINGLE and known.ended is None:
                due = self.now >= known.made_at + timedelta(minutes=15)
                known.ended = TokenState.EXPIRED if due else None

    @rule()
    def restart(self) -> None:
        self.runner.run(self.till.reopen())

    @rule(minutes=st.sampled_from((1, 16, 60 * 24 * 20)))
    def wait(self, minutes: int) -> None:
        self.till.clock.advance(minutes * 60.0)

    @invariant()
    def the_vault_says_what_the_model_says(self) -> None:
        if not hasattr(self, "model"):
            return
        rows = self.runner.run(self.till.database.read(lambda c: c.execute(select(TOKEN)).all()))
        assert {row.token_id for row in rows} == set(self.model)
        for row in rows:
            known = self.model[TokenId(row.token_id)]
            view = self.runner.run(self.till.vault.token(ACCOUNT, TokenId(row.token_id), self.now))
            assert (view.state, view.replaced_by) == (known.state(self.now), known.successor)
            assert (row.sealed is None) is (known.ended is not None)
            assert (row.card_index is None) is (known.ended is not None or known.usage is TokenUsage.SINGLE)
            assert Expiry(view.card.exp_month, view.card.exp_year) == known.expiry


TestTokenMachine = TokenMachine.TestCase
TestTokenMachine.settings = settings(
    max_examples=15,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
