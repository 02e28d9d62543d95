"""One world for each adapter of the key custody: opens a custody on the state that lies in a folder, as a restart would."""

import hashlib
import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Final
from unittest.mock import patch

from moto import mock_aws

from tonevault.cde.custodies.aws_kms import AwsKmsCustody, KmsPlace
from tonevault.cde.custodies.file import FileCustody, SharePaths
from tonevault.cde.custodies.pkcs11 import ModulePlace, Pkcs11Custody
from tonevault.cde.custodies.succession import Succession
from tonevault.cde.custodies.vault_transit import VaultPlace, VaultTransitCustody
from tonevault.cde.key_custody import KeyCustody
from tonevault.testing.vault_transit import VaultDouble

Open = Callable[[Path], KeyCustody]
"""Opens the custody of a folder; the first time it has no key. Folders with different names are custodies apart."""

SOFTHSM: Final = Path("/usr/lib/softhsm/libsofthsm2.so")
PIN: Final = "2468"
TOKENS: Final = 64
"""Made before the library is loaded, which does not see tokens that are made later: two a test are enough."""
AWS_IDENTITY: Final = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}


@contextmanager
def files() -> Iterator[Open]:
    yield lambda folder: FileCustody(SharePaths.below(folder))


@contextmanager
def soft_hsm() -> Iterator[Open]:
    tokens = soft_tokens()
    taken: dict[Path, str] = {}

    def opened(folder: Path) -> KeyCustody:
        if folder not in taken:
            taken[folder] = tokens.pop()
        return Pkcs11Custody(ModulePlace(SOFTHSM, taken[folder], PIN))

    yield opened


@cache
def soft_tokens() -> list[str]:
    """Labels of fresh tokens, to be popped; the module reads where they lie from a variable when it is loaded, once a process."""
    folder = Path(mkdtemp(prefix="tonevault-softhsm-"))
    (folder / "tokens").mkdir()
    settings = folder / "softhsm2.conf"
    settings.write_text(
        f"directories.tokendir = {folder / 'tokens'}\nobjectstore.backend = file\nlog.level = ERROR\n"
    )
    os.environ["SOFTHSM2_CONF"] = str(settings)
    labels = [f"token-{number}" for number in range(TOKENS)]
    for label in labels:
        words = [
            "softhsm2-util",
            "--init-token",
            "--free",
            "--label",
            label,
            "--so-pin",
            "1357",
            "--pin",
            PIN,
        ]
        subprocess.run(words, check=True, capture_output=True)
    return labels


@contextmanager
def mocked_kms() -> Iterator[Open]:
    with patch.dict(os.environ, AWS_IDENTITY), mock_aws():
        yield lambda folder: AwsKmsCustody(KmsPlace("eu-west-2", alias=_name(folder)))


@contextmanager
def vault_double() -> Iterator[Open]:
    with VaultDouble() as vault:
        place = VaultPlace(vault.address, "root")
        yield lambda folder: VaultTransitCustody(place, key=_name(folder))


def _name(folder: Path) -> str:
    """A word for a folder, another for each."""
    return f"tonevault-{hashlib.sha256(str(folder).encode()).hexdigest()[:32]}"


@contextmanager
def moved() -> Iterator[Open]:
    """Keys move from one pair of folders to another; the old ones are none."""

    def opened(folder: Path) -> KeyCustody:
        old, new = (FileCustody(SharePaths.below(folder / part)) for part in ("old", "new"))
        return Succession(new, old)

    yield opened


WORLDS: Final[dict[str, Callable[[], AbstractContextManager[Open]]]] = {
    "file": files,
    "succession": moved,
    "pkcs11": soft_hsm,
    "aws-kms": mocked_kms,
    "vault-transit": vault_double,
}
