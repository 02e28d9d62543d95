"""`tonevault doctor`: looks at the configuration and this machine, says what is wrong and how to mend it. It changes nothing."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tonevault.app.capacity import MEBIBYTE, needs, shortcomings
from tonevault.app.certificate_doctor import certificate_findings
from tonevault.app.codec_doctor import codec_findings
from tonevault.app.compiled_doctor import ear_findings, relay_findings
from tonevault.app.edge_settings import edge_settings, relay_settings
from tonevault.app.embedded import Places, places
from tonevault.app.findings import Finding, Level
from tonevault.app.gateway_doctor import gateway_findings
from tonevault.app.key_doctor import examine_keys
from tonevault.app.port_doctor import host_and_port, port_findings, why_not
from tonevault.app.settings import (
    LISTENER,
    MediaSettings,
    RecordingSettings,
    RouteSettings,
    SipSettings,
    TonevaultSettings,
)
from tonevault.app.webhook_doctor import webhook_findings
from tonevault.plumbing.machine_limits import machine_limits
from tonevault.plumbing.migrations import DatabaseUnusableError, open_database, require_readable
from tonevault.plumbing.settings import SettingsError

PORTS_TRIED: Final = 16
"""How many ports of the media range are tried: enough to find a range that another program holds."""


def examine(settings: TonevaultSettings) -> list[Finding]:
    """Every finding, in the order in which a call would meet it. The configuration itself has been checked by loading it."""
    try:
        where = places(settings)
    except SettingsError as error:
        return [_fault_of(problem) for problem in error.problems]
    running = where.socket.exists() and _answers(where.socket)
    findings = [Finding(Level.OK, "configuration", "can be used")]
    findings += _data(where)
    findings += examine_keys(settings.secure.keys, where)
    findings += _database("secure.database", where.secure_database)
    findings += _database("desk.database", where.desk_database)
    findings += _accounts(settings)
    findings += gateway_findings(settings.accounts, where)
    if running:
        findings.append(Finding(Level.OK, "secure zone", "runs; its ports are its own"))
    else:
        findings += _sip(settings.secure.sip)
        findings += _media(settings.secure.media)
        findings += port_findings("desk.listen", socket.SOCK_STREAM, *host_and_port(settings.desk.listen))
    findings += webhook_findings(settings, running=running)
    sip = settings.secure.sip
    certificate = list(certificate_findings("secure.sip", sip.certificate, sip.private_key))
    findings += certificate
    if not any(each.is_fault for each in certificate):
        findings += _edge(settings)
    findings += ear_findings()
    findings += relay_findings()
    findings += codec_findings()
    findings += _capacity(settings)
    findings += _recordings(settings.secure.recordings)
    return findings


def _data(where: Places) -> Iterator[Finding]:
    folder = next(each for each in (where.data_dir, *where.data_dir.parents) if each.exists())
    if not folder.is_dir() or not os.access(folder, os.W_OK):
        yield _not_writable("data_dir", folder)
        return
    if where.data_dir.exists() and where.data_dir.stat().st_mode & 0o077:
        way_out = f"choose a folder of its own, or chmod 700 {where.data_dir}"
        yield Finding(Level.WARNING, "data_dir", "can be read by other users", way_out)


def _not_writable(subject: str, folder: Path) -> Finding:
    if not folder.is_dir():
        return Finding(Level.FAULT, subject, f"cannot be written: {folder} is a file", "name a folder")
    way_out = f"give this user the folder (chown {os.geteuid()} {folder}), or choose another"
    return Finding(Level.FAULT, subject, "cannot be written", way_out)


def _fault_of(problem: str) -> Finding:
    """A fault as `serve` would report it: the setting, then what is wrong with it."""
    subject, _, detail = problem.partition(": ")
    return Finding(Level.FAULT, subject, detail, "docs/configuration.md explains every setting")


def _edge(settings: TonevaultSettings) -> Iterator[Finding]:
    """What the edge itself says to its settings: routes that lead nowhere, a transport that nobody listens on."""
    try:
        edge_settings(settings.secure)
        relay_settings(settings.secure)
    except SettingsError as error:
        yield from map(_fault_of, error.problems)


def _database(subject: str, url: str) -> Iterator[Finding]:
    """Opened only if it is there: what is missing is made at the first start."""
    try:
        database = open_database(url)
        try:
            if not database.is_sqlite or Path(database.engine.url.database or "").exists():
                require_readable(database)
                yield Finding(Level.OK, subject, "can be opened")
        finally:
            database.close_now()
    except DatabaseUnusableError as error:
        yield Finding(Level.FAULT, subject, str(error), "docs/configuration.md explains every setting")


def _accounts(settings: TonevaultSettings) -> Iterator[Finding]:
    if not settings.accounts:
        yield Finding(Level.FAULT, "accounts", "there is none", "add an [[accounts]] table with id and name")
    if not settings.secure.routes:
        yield Finding(
            Level.FAULT,
            "secure.routes",
            "there is none, so no call is taken",
            "add a [[secure.routes]] table: see docs/configuration.md",
        )
    for route in settings.secure.routes:
        yield Finding(
            Level.OK, f"route {route.name}", f"calls from {', '.join(route.peers)} reach {route.to}"
        )
        yield from _srtp(route, settings.secure.sip)


def _srtp(route: RouteSettings, sip: SipSettings) -> Iterator[Finding]:
    """Whether the keys of SRTP can go where the route wants them to."""
    subject = f"route {route.name}"
    name, wish = route.caller_srtp
    hears_tls = any(each.startswith("tls:") for each in sip.listen)
    if route.srtp_over_plain_sip:
        yield Finding(
            Level.WARNING,
            subject,
            "keys of SRTP may stand in signalling that is not encrypted, where whoever reads it can listen in",
            "use TLS on both sides and remove srtp_over_plain_sip",
        )
    elif wish == "require" and (not hears_tls or route.transport not in (None, "tls")):
        yield Finding(
            Level.FAULT,
            subject,
            f"{name} requires SRTP, whose keys are taken over TLS alone, and no caller can use TLS",
            "add a tls listener to secure.sip.listen, or set srtp_over_plain_sip on a network of your own",
        )


def _sip(settings: SipSettings) -> Iterator[Finding]:
    for place, listener in enumerate(settings.listen):
        match = LISTENER.match(listener)
        if match is not None:
            kind = socket.SOCK_DGRAM if match[1] == "udp" else socket.SOCK_STREAM
            yield from port_findings(f"secure.sip.listen[{place}]", kind, match[2].strip("[]"), int(match[3]))


def _media(settings: MediaSettings) -> Iterator[Finding]:
    span = range(settings.first_port, settings.last_port + 1)
    tried = span[:: max(1, len(span) // PORTS_TRIED)]
    busy = [port for port in tried if why_not(socket.SOCK_DGRAM, settings.address, port)]
    if busy == list(tried):
        reason = why_not(socket.SOCK_DGRAM, settings.address, tried[0])
        yield Finding(
            Level.FAULT,
            "secure.media",
            f"no port can be bound ({reason})",
            "set secure.media.address to an address of this machine, or another range",
        )
    elif busy:
        yield Finding(
            Level.WARNING,
            "secure.media",
            f"{len(busy)} of {len(tried)} ports tried are taken",
            "choose a range that nothing else uses",
        )
    else:
        yield Finding(
            Level.OK,
            "secure.media",
            f"ports {settings.first_port} to {settings.last_port} on {settings.address} are free",
        )


def _capacity(settings: TonevaultSettings) -> Iterator[Finding]:
    """Whether the calls that are allowed fit into this machine. The start refuses what is a fault here."""
    try:
        calls, needed = needs(settings.secure)
    except SettingsError:
        return
    limits = machine_limits()
    lacking = shortcomings(calls, needed, limits)
    for subject, rule, way_out in lacking:
        yield Finding(Level.FAULT, subject, rule, way_out)
    if not lacking:
        yield Finding(
            Level.OK,
            "capacity",
            f"{calls} calls need {needed.files} open files (now {limits.files}, raised at the start) and {needed.memory // MEBIBYTE} MiB",
        )


def _recordings(settings: RecordingSettings) -> Iterator[Finding]:
    """Whether recordings can be written, and who else can read them."""
    if settings.calls == "none" or settings.directory is None:
        return
    folder = next(
        each for each in (settings.directory, *settings.directory.absolute().parents) if each.exists()
    )
    if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
        yield _not_writable("secure.recordings.directory", folder)
    elif folder == settings.directory and folder.stat().st_mode & 0o077:
        yield Finding(
            Level.WARNING, "secure.recordings.directory", "can be read by other users", f"chmod 700 {folder}"
        )
    else:
        yield Finding(Level.OK, "recordings", "every call is recorded, masked")


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            return False
    return True
