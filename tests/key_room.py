"""A vault with cards and two custodians, in simulated time: what the tests of keys' lives stand on."""

from tests.custodians import ACME, ALICE, BORIS, QUICK, card_digits
from tests.till import EXPIRY, Till, number
from tonevault.boundary.tokens import TokenUsage
from tonevault.cde.keys.ceremonies import Ceremonies
from tonevault.cde.keys.model import KeyAct, Mandate
from tonevault.cde.keys.rekeying import Rekeying
from tonevault.cde.keys.retirement import Retirement
from tonevault.cde.keys.rewrapping import Rewrapping
from tonevault.cde.keys.rotation import Rotation
from tonevault.cde.keys.shredding import Shredding
from tonevault.cde.sealed.warrant import open_number
from tonevault.cde.vault.errors import CardUnreadableError
from tonevault.cde.vault.service import OpeningPurpose
from tonevault.kernel.ids import AccountId, TokenId
from tonevault.plumbing.entropy import SYSTEM_ENTROPY


class KeyRoom:
    """Every act on keys, and the cards that must come through it."""

    def __init__(self, till: Till) -> None:
        self.till = till
        self.clock = till.clock
        self.cards: dict[tuple[AccountId, TokenId], bytes] = {}
        self._open()

    def _open(self) -> None:
        till = self.till
        self.database = till.database
        self.ceremonies = Ceremonies(till.database, till.clock, SYSTEM_ENTROPY, QUICK)
        self.rotation = Rotation(till.database, till.custody, self.ceremonies)
        self.rewrapping = Rewrapping(till.database, till.custody)
        self.rekeying = Rekeying(till.database, till.custody, self.ceremonies)
        self.retirement = Retirement(till.database, till.custody, self.ceremonies)
        self.shredding = Shredding(till.database, self.ceremonies)

    async def reopen(self) -> None:
        """What a restart does: whatever was in memory is gone."""
        await self.till.reopen()
        self._open()

    async def mandate(self, act: KeyAct, subject: str = "*") -> Mandate:
        """Alice proposes, Boris approves."""
        if not await self.ceremonies.custodians():
            await self.ceremonies.found(ALICE, BORIS)
        self.clock.advance(1)
        proposed = await self.ceremonies.propose(act, subject, ALICE)
        return await self.ceremonies.approve(proposed.ceremony_id, BORIS)

    async def keep(
        self, *places: int, account: AccountId = ACME, usage: TokenUsage = TokenUsage.MULTI
    ) -> None:
        """Have the vault keep these cards."""
        for place in places:
            digits = card_digits(place)
            token, _ = await self.till.vault.tokenise(
                account, number(digits), EXPIRY, usage, self.clock.utc()
            )
            self.cards[account, token.token_id] = digits

    async def read_all(self) -> None:
        """Every card that was kept opens to what it was."""
        await self.read_some(list(self.cards))

    async def read_some(self, tokens: list[tuple[AccountId, TokenId]]) -> None:
        """These cards open to what they were."""
        for account, token in tokens:
            async with self.till.vault.open_card(
                account, token, OpeningPurpose.CHARGE, self.clock.utc()
            ) as card:
                with open_number(card.number) as opened:
                    assert bytes(opened) == self.cards[account, token]

    async def opens(self, account: AccountId, token: TokenId) -> bool:
        try:
            async with self.till.vault.open_card(account, token, OpeningPurpose.CHARGE, self.clock.utc()):
                return True
        except CardUnreadableError:
            return False
