"""An audit log on each kind of database."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.unit.cde.audit.logs import Log


@pytest.fixture
def log(every_database: object, tmp_path: Path) -> Iterator[Log]:
    made = Log(tmp_path)
    yield made
    made.close()
