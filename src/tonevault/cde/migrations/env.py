"""How Alembic reaches the secure zone's database: through the Database that the caller put into the configuration."""

from alembic import context
from sqlalchemy import Connection

from tonevault.plumbing.sql import Database


def migrate() -> None:
    """Run the pending migrations in one transaction each, so that a kill leaves a whole step or none."""
    database: Database = context.config.attributes["database"]

    def run(connection: Connection) -> None:
        context.configure(
            connection=connection, render_as_batch=database.is_sqlite, transaction_per_migration=True
        )
        with context.begin_transaction():
            context.run_migrations()
        connection.commit()

    database.visit(run)


migrate()
