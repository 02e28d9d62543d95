"""The history of the secure zone's schema, run by `plumbing.migrations.upgrade(database, SCRIPTS)`."""

from pathlib import Path
from typing import Final

SCRIPTS: Final = Path(__file__).parent
"""The folder of Alembic's `env.py` and `versions/`."""
