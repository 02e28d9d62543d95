"""How a database is named: `sqlite:///PATH` or `postgresql://…` with libpq's words for host and TLS. Never repeats a URL."""

import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

RULE: Final = "must be sqlite:///PATH or postgresql://USER@HOST/NAME"
TLS_MODES: Final = ("disable", "prefer", "require", "verify-ca", "verify-full")
KNOWN_OPTIONS: Final = frozenset({"host", "sslmode", "sslrootcert", "sslcert", "sslkey", "application_name"})


@dataclass(frozen=True, slots=True)
class DatabaseUrl:
    """A database. `url` may hold a password, so it is not shown; `tls` is what the driver wants as `ssl`."""

    url: URL = field(repr=False)
    is_sqlite: bool
    socket_folder: str | None = None
    tls: ssl.SSLContext | str | None = None
    application_name: str = "tonevault"


def with_password(text: str, password: str) -> str:
    """The URL with a password that is kept elsewhere; one that cannot be read stays as it is, for `parse` to refuse."""
    try:
        return make_url(text).set(password=password).render_as_string(hide_password=False)
    except ArgumentError:
        return text


def parse(text: str) -> DatabaseUrl:
    """Raises ValueError with the rule that is broken and the way out, without the URL: it may hold a password."""
    try:
        url = make_url(text)
    except ArgumentError:
        raise ValueError(RULE) from None
    if url.drivername in ("sqlite", "sqlite+pysqlite"):
        return DatabaseUrl(url, is_sqlite=True)
    if url.drivername not in ("postgresql", "postgres"):
        raise ValueError(RULE)
    options = {name: value if isinstance(value, str) else value[-1] for name, value in url.query.items()}
    if unknown := sorted(options.keys() - KNOWN_OPTIONS):
        raise ValueError(
            f"its option {unknown[0]} is not known; the options are {', '.join(sorted(KNOWN_OPTIONS))}"
        )
    folder = options.get("host")
    if folder is not None and not folder.startswith("/"):
        raise ValueError(
            "its option host must be the folder of the server's socket, for example /run/postgresql"
        )
    return DatabaseUrl(
        url.set(drivername="postgresql+asyncpg", query={}),
        is_sqlite=False,
        socket_folder=folder,
        tls=_tls(options) if folder is None else None,
        application_name=options.get("application_name", "tonevault"),
    )


def _tls(options: dict[str, str]) -> ssl.SSLContext | str:
    mode = options.get("sslmode", "prefer")
    if mode not in TLS_MODES:
        raise ValueError(f"its option sslmode must be one of {', '.join(TLS_MODES)}")
    authority, certificate, key = (options.get(name) for name in ("sslrootcert", "sslcert", "sslkey"))
    for name, path in (("sslrootcert", authority), ("sslcert", certificate), ("sslkey", key)):
        if path is not None and not Path(path).is_file():
            raise ValueError(f"its option {name} names no file; create it or correct the path")
    if mode in ("disable", "prefer"):
        return mode
    context = ssl.create_default_context(cafile=authority)
    context.check_hostname = mode == "verify-full"
    if mode == "require" and authority is None:
        context.verify_mode = ssl.CERT_NONE
    if certificate is not None:
        context.load_cert_chain(certificate, key)
    return context
