"""Kept credentials: the network's id of a card's first authorisation, to which merchant-initiated charges refer. No card is here."""

from datetime import datetime

from sqlalchemy import Connection, and_, select

from tonevault.cde.charging.charge import StoredCharge
from tonevault.cde.schema import STORED_CREDENTIAL
from tonevault.kernel.ids import AccountId, TokenId
from tonevault.plumbing.insert import insert_if_absent


def keep(connection: Connection, charge: StoredCharge, scheme_reference: str, now: datetime) -> None:
    """The first authorisation counts; a later one changes nothing."""
    insert_if_absent(
        connection,
        STORED_CREDENTIAL,
        {
            "account_id": charge.account_id,
            "token_id": charge.token_id,
            "gateway": charge.gateway,
            "scheme_reference": scheme_reference,
            "charge_id": charge.charge_id,
            "created_at": now,
        },
    )


def find(connection: Connection, account: AccountId, token_id: TokenId, gateway: str) -> str | None:
    """The network's id for this token at this gateway, if a first authorisation has left one."""
    here = and_(
        STORED_CREDENTIAL.c.account_id == account,
        STORED_CREDENTIAL.c.token_id == token_id,
        STORED_CREDENTIAL.c.gateway == gateway,
    )
    return connection.execute(select(STORED_CREDENTIAL.c.scheme_reference).where(here)).scalar_one_or_none()
