"""The desk database's history, run by Alembic; `SCRIPTS` is its folder."""

from pathlib import Path
from typing import Final

SCRIPTS: Final = Path(__file__).parent
"""What `plumbing.migrations.upgrade` takes beside the database."""
