"""What the database still holds of deleted keys, given up as far as a client can make it. The disk below has its own memory."""

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from tonevault.plumbing.sql import Database


def erase_deleted_keys(database: Database) -> str:
    """Have the table of wrapped keys rewritten without its dead rows. Answers one clause: what was done, or is left to do by hand.

    Cards need no such care: those whose keys are gone are noise.
    """
    if database.is_sqlite:
        return database.visit(_cut_journal)
    return database.visit(_rewrite_table)


def _cut_journal(connection: Connection) -> str:
    # secure_delete has overwritten the rows; the write-ahead log still has the pages from before.
    busy = connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()[0]
    if busy:
        return "the journal still holds them while others read; it is overwritten as the vault works on"
    return "the database holds nothing of them any more"


def _rewrite_table(connection: Connection) -> str:
    # VACUUM alone frees a row's place and leaves its bytes; the rewritten table has a file of its own. It is small and done at once.
    alone = connection.execution_options(isolation_level="AUTOCOMMIT")
    try:
        alone.exec_driver_sql("VACUUM FULL account_key")
    except DBAPIError:
        return "have the table's owner run VACUUM FULL account_key, which this user may not"
    return "the table holds nothing of them any more; the server's log archives and replicas may"
