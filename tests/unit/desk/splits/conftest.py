"""Every test of this room runs on each kind of database."""

import pytest


@pytest.fixture(autouse=True)
def _on_each(every_database: object) -> None: ...
