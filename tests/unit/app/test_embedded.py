"""What a deployment is made of: folders and secrets that cannot be made are faults of the setting that names them."""

from pathlib import Path

import pytest

from tonevault.app.desk_database import open_desk_database
from tonevault.app.edge_settings import require_own_address
from tonevault.app.embedded import (
    places,
    prepare_boundary,
    prepare_desk,
    prepare_secure_folder,
    read_secret,
)
from tonevault.app.secure_database import open_secure_database, upgrade_secure_database
from tonevault.app.settings import MediaSettings, TonevaultSettings
from tonevault.plumbing.settings import SettingsError


def settings(data_dir: Path, **changes: object) -> TonevaultSettings:
    return TonevaultSettings.model_validate({"data_dir": data_dir, **changes})


def test_secrets_are_made_once_and_are_private(tmp_path: Path) -> None:
    where = places(settings(tmp_path / "data"))
    prepare_boundary(where)
    first = read_secret(where.boundary_secret)
    prepare_boundary(where)
    assert read_secret(where.boundary_secret) == first
    assert where.data_dir.stat().st_mode & 0o077 == 0
    assert where.boundary_secret.stat().st_mode & 0o077 == 0


def test_a_folder_that_was_there_is_left_as_it_is(tmp_path: Path) -> None:
    """`--data-dir /tmp` must not close /tmp to everybody else."""
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o1777)
    where = places(settings(shared))
    prepare_boundary(where)
    prepare_secure_folder(where)
    prepare_desk(where)
    assert shared.stat().st_mode & 0o7777 == 0o1777
    for private in (where.boundary_secret, where.secure_dir, where.desk_dir, where.desk_pepper):
        assert private.stat().st_mode & 0o077 == 0


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SettingsError, match=r"^data_dir: .*cannot be written"):
        prepare_boundary(places(settings(tmp_path / "file" / "data")))


def test_a_socket_whose_path_is_too_long(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"^data_dir: .*107 bytes"):
        places(settings(tmp_path / ("x" * 120)))


def test_databases_that_cannot_be_opened(tmp_path: Path) -> None:
    where = places(settings(tmp_path / "data"))
    for zone in ("secure", "desk"):
        (where.data_dir / zone).mkdir(parents=True)
        (where.data_dir / zone / f"{zone}.db").write_text("no database" * 1000)
    with pytest.raises(SettingsError, match=r"^secure\.database: .*not a database"):
        open_secure_database(where)
    with pytest.raises(SettingsError, match=r"^secure\.database: .*not a database"):
        upgrade_secure_database(where)
    with pytest.raises(SettingsError, match=r"^desk\.database: .*not a database"):
        open_desk_database(where)


def test_a_database_of_an_unknown_kind(tmp_path: Path) -> None:
    where = places(settings(tmp_path / "data", desk={"database": "mysql://somewhere/tonevault"}))
    with pytest.raises(SettingsError, match=r"^desk\.database: must be sqlite"):
        open_desk_database(where)


def test_media_at_an_address_of_another_machine() -> None:
    require_own_address(MediaSettings())
    with pytest.raises(SettingsError, match=r"^secure\.media\.address: cannot be bound"):
        require_own_address(MediaSettings(address="192.0.2.1"))


def test_media_at_no_address_in_particular() -> None:
    with pytest.raises(ValueError, match="advertise: must be set"):
        MediaSettings(address="0.0.0.0")
    assert MediaSettings(address="0.0.0.0", advertise="192.0.2.1").advertise == "192.0.2.1"
