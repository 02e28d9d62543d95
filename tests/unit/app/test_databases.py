"""Deployments on PostgreSQL: made by `db upgrade` alone, found by the doctor, and every fault told without the URL."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from tests.databases import server

from tonevault.app.cli import main
from tonevault.app.databases import upgrade_zones
from tonevault.app.desk_database import open_desk_database
from tonevault.app.doctor import examine
from tonevault.app.embedded import places
from tonevault.app.secure_database import open_secure_database
from tonevault.app.settings import TonevaultSettings
from tonevault.plumbing.settings import SettingsError

PASSWORD = "swordfish-of-the-database"


@pytest.fixture(autouse=True)
def _umask() -> Iterator[None]:
    """The command makes its process's files private; the tests that come after have their own idea."""
    before = os.umask(0o022)
    os.umask(before)
    yield
    os.umask(before)


@pytest.fixture
def urls() -> Iterator[tuple[str, str]]:
    made = server().fresh(), server().fresh()
    yield made
    for url in made:
        server().drop(url)


def deployment(folder: Path, secure: str, desk: str, **more: object) -> TonevaultSettings:
    return TonevaultSettings.model_validate(
        {"data_dir": folder, "secure": {"database": secure, **more}, "desk": {"database": desk}}
    )


def test_a_server_is_upgraded_by_the_command_alone(tmp_path: Path, urls: tuple[str, str]) -> None:
    settings = deployment(tmp_path, *urls)
    with pytest.raises(SettingsError, match=r"secure\.database: .*tonevault db upgrade"):
        open_secure_database(places(settings))
    environ = {
        "TONEVAULT_DATA_DIR": str(tmp_path),
        "TONEVAULT_SECURE__DATABASE": urls[0],
        "TONEVAULT_DESK__DATABASE": urls[1],
    }
    done = CliRunner().invoke(main, ["db", "upgrade"], env=environ)
    assert done.exit_code == 0, done.output
    for open_database in (open_secure_database, open_desk_database):
        open_database(places(settings)).close_now()
    upgrade_zones(settings, "both")
    found = {each.subject: each for each in examine(settings)}
    assert not found["secure.database"].is_fault
    assert not found["desk.database"].is_fault


@pytest.mark.parametrize(
    ("url", "says"),
    [
        (
            f"postgresql://nobody:{PASSWORD}@127.0.0.1:1/tonevault",
            "the server cannot be reached: Connection refused",
        ),
        (f"postgresql://nobody:{PASSWORD}@no-such-host.invalid/tonevault", "the server cannot be reached"),
        (f"postgresql://nobody:{PASSWORD}@h/x?ssl_mode=require", "its option ssl_mode is not known"),
        (f"postgresql://nobody:{PASSWORD}@h/x?sslmode=always", "its option sslmode must be one of"),
        (
            f"postgresql://nobody:{PASSWORD}@h/x?sslrootcert=/no/such/file",
            "its option sslrootcert names no file",
        ),
        (f"postgresql://nobody:{PASSWORD}@/x?host=relative", "the folder of the server's socket"),
        (f"mysql://nobody:{PASSWORD}@h/x", "must be sqlite:///PATH or postgresql://USER@HOST/NAME"),
        (f"{PASSWORD}", "must be sqlite:///PATH or postgresql://USER@HOST/NAME"),
    ],
)
def test_a_server_that_cannot_be_used_is_told_plainly(tmp_path: Path, url: str, says: str) -> None:
    settings = deployment(tmp_path, url, f"sqlite:///{tmp_path / 'desk.db'}")
    with pytest.raises(SettingsError) as refusal:
        upgrade_zones(settings, "secure")
    (problem,) = refusal.value.problems
    assert problem.startswith("secure.database: ")
    assert says in problem
    (fault,) = (each for each in examine(settings) if each.subject == "secure.database")
    assert says in fault.detail
    assert PASSWORD not in problem + str(fault) + repr(places(settings))


def test_what_the_server_refuses_is_told_in_its_words(tmp_path: Path, urls: tuple[str, str]) -> None:
    for url, says in (
        (urls[0].replace("fresh_", "no_such_"), "does not exist"),
        (urls[0].replace("tonevault@", f"stranger:{PASSWORD}@"), "does not exist"),
    ):
        with pytest.raises(SettingsError, match=says) as refusal:
            upgrade_zones(deployment(tmp_path, url, urls[1]), "secure")
        assert PASSWORD not in str(refusal.value)


def test_the_password_may_be_kept_elsewhere(tmp_path: Path, urls: tuple[str, str]) -> None:
    secret = tmp_path / "password"
    secret.write_text(f"{PASSWORD}/with@signs:in it\n")
    settings = deployment(tmp_path, *urls, database_password=f"file:{secret}")
    assert PASSWORD not in repr(settings) + repr(places(settings))
    upgrade_zones(settings, "both")
    open_secure_database(places(settings)).close_now()


def test_a_file_has_no_password(tmp_path: Path) -> None:
    secret = tmp_path / "password"
    secret.write_text(PASSWORD)
    url = f"sqlite:///{tmp_path / 'secure.db'}"
    settings = deployment(tmp_path, url, url, database_password=f"file:{secret}")
    with pytest.raises(SettingsError, match="SQLite file has no password"):
        upgrade_zones(settings, "secure")
