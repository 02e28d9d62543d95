"""Where the demo cannot run it says so at once, with the way out."""

import asyncio
from pathlib import Path

import pytest

from tonevault.app.demo import run_demo
from tonevault.plumbing.settings import SettingsError


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(
        SettingsError, match=r"^--data-dir: .* cannot be written .*; choose a folder of your own"
    ):
        asyncio.run(run_demo(port=0, data_dir=tmp_path / "file" / "data"))
