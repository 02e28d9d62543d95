"""A session with its token, charge and recording, read in one transaction."""

from sqlalchemy import Connection

from tonevault.desk.payments import store as payment_store
from tonevault.desk.recordings import store as recording_store
from tonevault.desk.sessions.model import Session, SessionRecord, shown
from tonevault.kernel.ids import AccountId


def picture(connection: Connection, account_id: AccountId, record: SessionRecord) -> Session:
    """The session as the API shows it."""
    token = (
        None if record.token_id is None else payment_store.find_token(connection, account_id, record.token_id)
    )
    charge = (
        None
        if record.charge_id is None
        else payment_store.find_charge(connection, account_id, record.charge_id)
    )
    pause = recording_store.find(connection, account_id, record.id)
    return shown(
        record,
        token=token,
        charge=None if charge is None else charge[0],
        recording=None if pause is None else pause.state,
    )
