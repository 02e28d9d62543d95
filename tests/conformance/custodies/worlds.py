"""One world for each adapter of the key custody: opens a custody on the state that lies in a folder, as a restart would."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

from tonevault.cde.custodies.file import FileCustody, SharePaths
from tonevault.cde.key_custody import KeyCustody

Open = Callable[[Path], KeyCustody]
"""Opens the custody of a folder; the first time it has no key. Folders with different names are custodies apart."""

WORLDS: Final[dict[str, Open]] = {"file": lambda folder: FileCustody(SharePaths.below(folder))}
