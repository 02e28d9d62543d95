"""The doctor names what is wrong and the way out: busy ports, half a key, a bad certificate, no route."""

import json
import os
import socket
from pathlib import Path

import pytest

from tonevault.app.demo.place import MEDIA_PORTS, find_place
from tonevault.app.doctor import examine
from tonevault.app.findings import Finding, Level, document
from tonevault.app.settings import TonevaultSettings
from tonevault.cde.wire import opus
from tonevault.plumbing.machine_limits import MachineLimits

ACCOUNT = {"id": "acme", "name": "Acme"}
ROUTE = {"name": "support", "account": "acme", "peers": ["127.0.0.1"], "to": "sip:a@127.0.0.1:5070"}


def settings(tmp_path: Path, **changes: object) -> TonevaultSettings:
    whole: dict[str, object] = {"data_dir": tmp_path / "data", "accounts": [ACCOUNT], **changes}
    secure = whole.get("secure", {"routes": [ROUTE], "sip": {"listen": ["udp:127.0.0.1:0"]}})
    assert isinstance(secure, dict)
    # Whatever else runs on this machine may hold a port of the default range: a finding, and a true one.
    first = find_place(0).media
    ports = {"first_port": first, "last_port": first + MEDIA_PORTS - 1}
    whole["secure"] = {**secure, "media": {**ports, **secure.get("media", {})}}
    whole.setdefault("desk", {"listen": "127.0.0.1:0"})
    return TonevaultSettings.model_validate(whole)


def faults(found: list[Finding]) -> list[Finding]:
    return [each for each in found if each.level is not Level.OK]


def test_a_sound_machine(tmp_path: Path) -> None:
    assert faults(examine(settings(tmp_path))) == []


def test_a_codec_whose_library_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opus, "_library", lambda: None)
    (warning,) = faults(examine(settings(tmp_path)))
    assert (warning.level, warning.subject) == (Level.WARNING, "codec OPUS")
    assert "muted while keying" in warning.detail
    assert "libopus0" in warning.way_out


@pytest.mark.parametrize(("transport", "kind"), [("udp", socket.SOCK_DGRAM), ("tcp", socket.SOCK_STREAM)])
def test_a_busy_port(tmp_path: Path, transport: str, kind: socket.SocketKind) -> None:
    with socket.socket(socket.AF_INET, kind) as holder:
        holder.bind(("127.0.0.1", 0))
        if kind == socket.SOCK_STREAM:
            holder.listen()
        port = holder.getsockname()[1]
        secure = {"routes": [ROUTE], "sip": {"listen": [f"{transport}:127.0.0.1:{port}"]}}
        (fault,) = faults(examine(settings(tmp_path, secure=secure)))
    assert fault.subject == "secure.sip.listen[0]"
    assert f"{transport} 127.0.0.1:{port}" in fault.detail
    assert "choose another port" in fault.way_out


def test_an_address_of_another_machine(tmp_path: Path) -> None:
    secure = {"routes": [ROUTE], "sip": {"listen": ["udp:127.0.0.1:0"]}, "media": {"address": "192.0.2.1"}}
    (fault,) = faults(examine(settings(tmp_path, secure=secure)))
    assert (fault.subject, fault.level) == ("secure.media", Level.FAULT)


@pytest.mark.parametrize(
    ("route", "level", "said"),
    [
        ({"customer_srtp": "require"}, Level.FAULT, "no caller can use TLS"),
        ({"agent_srtp": "require", "customer": "callee"}, Level.FAULT, "agent_srtp requires SRTP"),
        ({"srtp_over_plain_sip": True}, Level.WARNING, "not encrypted"),
    ],
)
def test_srtp_whose_keys_cannot_travel(
    tmp_path: Path, route: dict[str, object], level: Level, said: str
) -> None:
    secure = {"routes": [{**ROUTE, **route}], "sip": {"listen": ["udp:127.0.0.1:0"]}}
    (found,) = faults(examine(settings(tmp_path, secure=secure)))
    assert (found.level, found.subject) == (level, "route support")
    assert said in found.detail
    assert "srtp_over_plain_sip" in found.way_out


def test_half_a_key(tmp_path: Path) -> None:
    share = tmp_path / "data" / "secure" / "keys" / "custodian-one" / "kek_a.share"
    share.parent.mkdir(parents=True)
    (tmp_path / "data").chmod(0o700)
    share.touch(0o600)
    (fault,) = faults(examine(settings(tmp_path)))
    assert "the share of custodian one of the key-encrypting key is damaged" in fault.detail
    assert "docs/keys.md" in fault.way_out


def test_nothing_is_routed(tmp_path: Path) -> None:
    found = faults(examine(TonevaultSettings(data_dir=tmp_path / "data")))
    assert {"accounts", "secure.routes"} <= {each.subject for each in found if each.is_fault}


def test_a_certificate_that_is_none(tmp_path: Path) -> None:
    for name in ("cert.pem", "key.pem"):
        (tmp_path / name).write_text("nothing of the kind")
    sip = {
        "listen": ["tls:127.0.0.1:0"],
        "certificate": tmp_path / "cert.pem",
        "private_key": tmp_path / "key.pem",
    }
    (fault,) = faults(examine(settings(tmp_path, secure={"routes": [ROUTE], "sip": sip})))
    assert "is not PEM" in fault.detail


def test_a_data_dir_that_others_read(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir(mode=0o755)
    (warning,) = faults(examine(settings(tmp_path)))
    assert warning.way_out == f"choose a folder of its own, or chmod 700 {data}"


def test_a_path_too_long_for_a_socket(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 120)
    (fault,) = examine(TonevaultSettings(data_dir=deep))
    assert (fault.subject, fault.is_fault) == ("data_dir", True)
    assert os.fsencode(deep)


def test_a_route_that_leads_nowhere(tmp_path: Path) -> None:
    secure = {"routes": [{**ROUTE, "to": "sip:a@127.0.0.1:99999"}], "sip": {"listen": ["udp:127.0.0.1:0"]}}
    (fault,) = faults(examine(settings(tmp_path, secure=secure)))
    assert (fault.subject, fault.level) == ("secure.routes[0].to", Level.FAULT)


def test_a_data_dir_whose_socket_has_too_long_a_path(tmp_path: Path) -> None:
    (fault,) = faults(examine(settings(tmp_path, data_dir=tmp_path / ("x" * 120))))
    assert fault.subject == "data_dir"
    assert "longer than 107 bytes" in fault.detail


def test_a_data_dir_below_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (fault,) = faults(examine(settings(tmp_path, data_dir=tmp_path / "file" / "data")))
    assert (fault.subject, fault.detail) == ("data_dir", f"cannot be written: {tmp_path / 'file'} is a file")


@pytest.mark.parametrize("zone", ["secure", "desk"])
def test_a_damaged_database(tmp_path: Path, zone: str) -> None:
    path = tmp_path / "data" / zone / f"{zone}.db"
    path.parent.mkdir(parents=True)
    (tmp_path / "data").chmod(0o700)
    path.write_text("not a database, but long enough to be taken for one" * 100)
    (fault,) = faults(examine(settings(tmp_path)))
    assert fault.subject == f"{zone}.database"
    assert "file is not a database" in fault.detail


def test_recordings_need_a_place(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="must be set where calls is"):
        settings(tmp_path, secure={"recordings": {"calls": "all"}})
    taken = tmp_path / "file"
    taken.touch()
    secure = {"routes": [ROUTE], "sip": {"listen": ["udp:127.0.0.1:0"]}}
    recordings = {"calls": "all", "directory": taken / "recordings"}
    (fault,) = faults(examine(settings(tmp_path, secure={**secure, "recordings": recordings})))
    assert (fault.subject, fault.level) == ("secure.recordings.directory", Level.FAULT)
    open_to_all = tmp_path / "open"
    open_to_all.mkdir(mode=0o755)
    recordings["directory"] = open_to_all
    (fault,) = faults(examine(settings(tmp_path, secure={**secure, "recordings": recordings})))
    assert "chmod 700" in fault.way_out


def test_calls_that_do_not_fit_into_this_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tonevault.app.doctor.machine_limits", lambda: MachineLimits(64, 100, None))
    (fault,) = faults(examine(settings(tmp_path)))
    assert (fault.subject, fault.level) == ("secure.media.max_calls", Level.FAULT)
    assert "open files" in fault.detail


def test_programs_get_one_object(tmp_path: Path) -> None:
    found = examine(settings(tmp_path))
    told = json.loads(json.dumps(document(found)))
    assert told["level"] == "ok"
    assert [each["subject"] for each in told["findings"]] == [each.subject for each in found]
    grave = [
        Finding(Level.FAULT, "port", "is taken", "choose another"),
        Finding(Level.WARNING, "keys", "old"),
    ]
    told = document([*found, *grave])
    assert told["level"] == "fault"
    assert told["findings"][-2:] == [  # type: ignore[index]
        {"level": "fault", "subject": "port", "detail": "is taken", "way_out": "choose another"},
        {"level": "warning", "subject": "keys", "detail": "old", "way_out": None},
    ]
