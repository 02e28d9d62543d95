"""The embedded deployment: where `serve` keeps its files, and the secrets that it makes for itself on first start."""

import errno
import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tonevault.app.settings import DeskSettings, SecureSettings, TonevaultSettings
from tonevault.plumbing.database_url import with_password
from tonevault.plumbing.settings import SettingsError

SECRET_BYTES: Final = 32
MAX_SOCKET_PATH: Final = 107
"""sun_path of unix(7): a longer path cannot be bound."""


@dataclass(frozen=True, slots=True)
class Places:
    """Every file of a deployment, with the defaults under `data_dir` filled in."""

    data_dir: Path
    secure_database: str = field(repr=False)
    desk_database: str = field(repr=False)
    socket: Path
    boundary_secret: Path
    desk_pepper: Path
    custodian_one: Path
    custodian_two: Path
    escrow: Path
    simulator_database: Path

    @property
    def secure_dir(self) -> Path:
        """What only the secure process reads."""
        return self.data_dir / "secure"

    @property
    def audit_heads(self) -> Path:
        """Where this node holds the heads of its audit chains, beside the database that they are checked against."""
        return self.secure_dir / "audit-heads"

    @property
    def desk_dir(self) -> Path:
        """What only the desk process reads."""
        return self.data_dir / "desk"


def places(settings: TonevaultSettings) -> Places:
    """Where everything is. Raises SettingsError when the socket's path is too long for the system."""
    root = settings.data_dir.absolute()
    secure, desk = root / "secure", root / "desk"
    socket = settings.secure.socket or root / "boundary.sock"
    if len(os.fsencode(socket)) > MAX_SOCKET_PATH:
        raise SettingsError(
            [f"data_dir: its socket's path is longer than {MAX_SOCKET_PATH} bytes; choose a shorter one"]
        )
    return Places(
        data_dir=root,
        secure_database=_database("secure", settings.secure, secure / "secure.db"),
        desk_database=_database("desk", settings.desk, desk / "desk.db"),
        socket=socket,
        boundary_secret=root / "boundary.secret",
        desk_pepper=desk / "api-key.pepper",
        custodian_one=settings.secure.keys.custodian_one or secure / "keys" / "custodian-one",
        custodian_two=settings.secure.keys.custodian_two or secure / "keys" / "custodian-two",
        escrow=settings.secure.keys.escrow or secure / "keys" / "escrow",
        simulator_database=secure / "simulator.db",
    )


def _database(name: str, zone: SecureSettings | DeskSettings, default: Path) -> str:
    url = zone.database or f"sqlite:///{default}"
    if zone.database_password is None:
        return url
    if url.startswith("sqlite:"):
        raise SettingsError(
            [
                f"{name}.database_password: a SQLite file has no password; remove it, or name a PostgreSQL server"
            ]
        )
    return with_password(url, zone.database_password.get_secret_value())


def prepare_desk(where: Places) -> None:
    """Make the desk's folder and the key that its API keys are hashed with."""
    _data_folder(where.data_dir)
    _private_folder(where.desk_dir)
    _make_secret(where.desk_pepper)


def prepare_boundary(where: Places) -> None:
    """Make the secret that the two zones know each other by. Both call it: whoever comes first makes it."""
    _data_folder(where.data_dir)
    _make_secret(where.boundary_secret)


def prepare_secure_folder(where: Places) -> None:
    """Make the secure zone's folder; its key shares are made by the custody."""
    _data_folder(where.data_dir)
    _private_folder(where.secure_dir)


def read_secret(path: Path) -> bytes:
    """A secret that `_make_secret` wrote."""
    return bytes.fromhex(path.read_text().strip())


def boundary_token(settings: TonevaultSettings, where: Places) -> str:
    """The bearer token of the narrow interface: as configured, or the one made here."""
    if settings.boundary_secret is not None:
        return settings.boundary_secret.get_secret_value()
    return where.boundary_secret.read_text().strip()


def _data_folder(path: Path) -> None:
    """Made private. One that was there before is left as it is, for it may be somebody else's too: what lies in it is private by itself."""
    if not path.exists():
        _private_folder(path)
    elif not path.is_dir() or not os.access(path, os.W_OK | os.X_OK):
        raise _not_writable(path, PermissionError(errno.EACCES, os.strerror(errno.EACCES)))


def _private_folder(path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
        path.chmod(0o700)
    except OSError as error:
        raise _not_writable(path, error) from None


def _not_writable(path: Path, error: OSError) -> SettingsError:
    return SettingsError(
        [
            f"data_dir: {path} cannot be written ({error.strerror}); give this user the folder, or choose another"
        ]
    )


def _make_secret(path: Path) -> None:
    """Write the file whole or not at all: two processes may come here at once, and one may be killed in the middle."""
    if path.exists():
        return
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    except OSError as error:
        raise _not_writable(path.parent, error) from None
    with os.fdopen(handle, "w") as file:
        file.write(secrets.token_hex(SECRET_BYTES))
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(draft, path)
    except FileExistsError:
        pass  # The other process was first; both read its secret.
    finally:
        draft.unlink()
