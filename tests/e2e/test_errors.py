"""What goes wrong before and around a call is said clearly: one screen, the setting or field by name, the way out, no input repeated."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.house import TONEVAULT, House
from tests.e2e.house_plan import ACCOUNT, RouteTo
from tests.e2e.peers.group import PeerGroup
from tests.e2e.peers.ports import LOOPBACK, PortBlock, claim_block
from tests.e2e.peers.process import PeerProcess

# EX_CONFIG of sysexits(3), which tells a supervisor not to try again; click's exit code for wrong usage; the doctor's.
CONFIGURATION, USAGE, FAULTS = 78, 2, 1

# What stands where it should not, and must never be said again.
SECRET = "4111111111111111"

KNOWN_PEER, STRANGER = "127.0.0.2", "127.0.0.3"

_TIMEOUT_S = 40.0
_ONE_SCREEN = 24


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A running deployment that takes calls from one address alone."""
    house = House(tmp_path_factory.mktemp("house"))
    try:
        yield house.start(
            [RouteTo(f"sip:agents@{LOOPBACK}:{house.ports.sip + 9}", peers=(f"{KNOWN_PEER}/32",))]
        )
    finally:
        house.stop()


class Shell:
    """Runs `tonevault` with a configuration that is made from a good one, in a folder and on ports of its own."""

    def __init__(self, folder: Path, block: PortBlock) -> None:
        self.folder = folder
        self.sip, self.desk = block.port(0), block.port(2)
        self.data_dir = folder / "d"
        self._media = block.rtp_ports
        self._runs = 0

    def good(self) -> str:
        return f"""
data_dir = "{self.data_dir}"
[log]
level = "WARNING"
[[accounts]]
id = "acme"
name = "Acme Ltd"
[secure.sip]
listen = ["udp:{LOOPBACK}:{self.sip}"]
[secure.media]
address = "{LOOPBACK}"
first_port = {self._media.start}
last_port = {self._media.stop - 1}
[desk]
listen = "{LOOPBACK}:{self.desk}"
[[secure.routes]]
name = "support"
account = "acme"
peers = ["{LOOPBACK}"]
to = "sip:agents@{LOOPBACK}:9"
"""

    def run(self, configuration: str | None, *words: str) -> tuple[int, str]:
        """The exit code, and what was printed; no traceback is ever part of it, nor the secret, nor a second screen."""
        self._runs += 1
        path = self.folder / f"{self._runs}.toml"
        if configuration is not None:
            path.write_text(configuration, encoding="utf-8")
        process = PeerProcess(f"run-{self._runs}", [TONEVAULT, "--config", str(path), *words], self.folder)
        try:
            code = process.wait(_TIMEOUT_S)
        finally:
            process.stop()
        said = process.log()
        assert "Traceback" not in said, said
        assert SECRET not in said
        assert len(said.splitlines()) <= _ONE_SCREEN, said
        return code, said


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    block = claim_block()
    yield Shell(tmp_path, block)
    block.release()


@contextmanager
def taken(kind: socket.SocketKind, port: int) -> Iterator[None]:
    """A port that another program has."""
    with socket.socket(socket.AF_INET, kind) as holder:
        # Connections of a former test may still linger at the port.
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, kind is socket.SOCK_STREAM)
        holder.bind((LOOPBACK, port))
        if kind is socket.SOCK_STREAM:
            holder.listen()
        yield


@pytest.mark.parametrize(
    ("was", "becomes", "named"),
    [
        ('name = "Acme Ltd"', f'nmae = "{SECRET}"', ["accounts[0].name: is required", "accounts[0].nmae"]),
        ('listen = ["udp', f'listen = ["{SECRET}', ["secure.sip.listen[0]: must be TRANSPORT:ADDRESS:PORT"]),
        ('account = "acme"', 'account = "other"', ["secure.routes[0].account", "[[accounts]]"]),
        ('data_dir = "', f'data_dir = "{SECRET} ', ["is not TOML"]),
    ],
    ids=["unknown setting", "wrong value", "unknown account", "not TOML"],
)
def test_a_wrong_configuration(shell: Shell, was: str, becomes: str, named: list[str]) -> None:
    wrong = shell.good().replace(was, becomes, 1)
    if named == ["is not TOML"]:
        wrong = wrong.replace('"', "", 1)
    for command in ("serve", "doctor"):
        code, said = shell.run(wrong, command)
        assert code == CONFIGURATION
        assert all(one in said for one in named), said
        assert "docs/configuration.md" in said


def test_no_configuration_at_that_path(shell: Shell) -> None:
    code, said = shell.run(None, "serve")
    assert (code, "cannot be read" in said, "--config" in said) == (CONFIGURATION, True, True)


def test_a_busy_sip_port(shell: Shell) -> None:
    with taken(socket.SOCK_DGRAM, shell.sip):
        code, said = shell.run(shell.good(), "serve")
        assert code == CONFIGURATION
        assert f"secure.sip.listen: udp:{LOOPBACK}:{shell.sip}" in said
        assert "another program has this port" in said
        code, said = shell.run(shell.good(), "doctor")
        assert code == FAULTS
        assert f"secure.sip.listen[0]: udp {LOOPBACK}:{shell.sip} cannot be bound" in said
        assert f"ss -lnp | grep {shell.sip}" in said


def test_a_busy_desk_port(shell: Shell) -> None:
    with taken(socket.SOCK_STREAM, shell.desk):
        code, said = shell.run(shell.good(), "serve")
        assert code == CONFIGURATION
        assert f"desk.listen: {LOOPBACK}:{shell.desk} cannot be bound (Address already in use)" in said
        code, said = shell.run(shell.good(), "doctor")
        assert code == FAULTS
        assert f"desk.listen: tcp {LOOPBACK}:{shell.desk} cannot be bound" in said


def test_an_address_of_another_machine(shell: Shell) -> None:
    wrong = shell.good().replace(f'address = "{LOOPBACK}"', 'address = "192.0.2.1"')
    code, said = shell.run(wrong, "serve")
    assert (code, "secure.media.address: cannot be bound" in said) == (CONFIGURATION, True)
    code, said = shell.run(wrong, "doctor")
    assert (code, "secure.media: no port can be bound" in said) == (FAULTS, True)


def test_a_damaged_database_and_a_lost_share_of_the_key(shell: Shell) -> None:
    assert shell.run(shell.good(), "db", "upgrade")[0] == 0
    (shell.data_dir / "secure" / "secure.db").write_text("not a database " * 1000)
    share = shell.data_dir / "secure" / "keys" / "custodian-two" / "kek_a.share"
    share.parent.mkdir(parents=True)
    share.touch(0o600)
    code, said = shell.run(shell.good(), "serve")
    assert (code, "secure.database: cannot be opened (file is not a database)" in said) == (
        CONFIGURATION,
        True,
    )
    code, said = shell.run(shell.good(), "doctor")
    assert code == FAULTS
    assert "secure.database: cannot be opened" in said
    assert "the share of custodian one of the key-encrypting key is missing" in said


def test_a_folder_that_cannot_be_written(shell: Shell) -> None:
    shell.data_dir.touch()
    for command, expected in (("serve", CONFIGURATION), ("db upgrade", CONFIGURATION), ("doctor", FAULTS)):
        code, said = shell.run(shell.good(), *command.split())
        assert (code, "data_dir" in said, "cannot be written" in said) == (expected, True, True), said


@pytest.mark.parametrize(
    ("words", "named"),
    [
        ("users add ann --account nobody --password a-long-pass-phrase", "--account: is not the id"),
        ("users add ann --account acme --password short", "password: must have 12 to 128 characters"),
        ("api-keys add crm --account nobody", "--account: is not the id"),
        ("api-keys add crm --account acme --scope everything", "--scope: must be one of"),
    ],
)
def test_provisioning_that_is_refused(shell: Shell, words: str, named: str) -> None:
    code, said = shell.run(shell.good(), *words.split())
    assert (code, named in said) == (USAGE, True), said


def test_a_second_deployment_on_the_same_folder(house: House, shell: Shell) -> None:
    shell.data_dir = house.data_dir
    code, said = shell.run(shell.good(), "serve")
    assert code == CONFIGURATION
    assert "another secure process serves here" in said
    house.wait_ready()
    assert house.get("/v1/me")["account_id"] == ACCOUNT
    code, said = shell.run(house.config_path.read_text(), "doctor")
    assert (code, "secure zone: runs" in said) == (0, True)


# -- strangers -----------------------------------------------------------------------------------------------------


def options(host: str, port: int, own_port: int) -> bytes:
    return (
        f"OPTIONS sip:{LOOPBACK}:{port} SIP/2.0\r\nVia: SIP/2.0/UDP {host}:{own_port};branch=z9hG4bK-{own_port}\r\n"
        f"From: <sip:a@{host}>;tag=1\r\nTo: <sip:{LOOPBACK}>\r\nCall-ID: options-{own_port}\r\nCSeq: 1 OPTIONS\r\n"
        "Max-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
    ).encode()


def test_strangers_are_not_answered(house: House) -> None:
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer,
    ):
        for one, host in ((stranger, STRANGER), (peer, KNOWN_PEER)):
            one.bind((host, 0))
            one.settimeout(5.0)
            one.sendto(options(host, house.ports.sip, one.getsockname()[1]), (LOOPBACK, house.ports.sip))
        assert peer.recv(4096).startswith(b"SIP/2.0 200")
        stranger.setblocking(False)
        with pytest.raises(BlockingIOError):
            stranger.recv(4096)
    assert f"SIP from {STRANGER} was not answered: no route has this address" in house.logs()


def test_a_known_address_without_a_route_may_not_call(house: House, peers: PeerGroup) -> None:
    """The contact centre's own address is known, and nothing leads from it."""
    caller = peers.caller().dial("442079460000", house.ports.sip, wait=False)
    assert caller.wait_for("refused").detail == "403"


# -- the API -------------------------------------------------------------------------------------------------------

NO_CALL = "call_" + "a" * 28


@pytest.mark.parametrize(
    ("asked", "sent", "status", "code"),
    [
        (("GET", f"/v1/{SECRET}"), {}, 404, "not_found"),
        (("GET", f"/v1/sessions/{SECRET}"), {}, 404, "not_found"),
        (("DELETE", "/v1/sessions"), {}, 405, "method_not_allowed"),
        (("GET", "/v1/calls"), {"headers": {"Authorization": f"Bearer {SECRET}"}}, 401, "authentication_required"),
        (("GET", "/v1/calls"), {"params": {"limit": SECRET}}, 422, "invalid_request"),
        (("POST", "/v1/sessions"), {"content": "{" + SECRET}, 422, "invalid_request"),
        (("POST", "/v1/sessions"), {"json": {"call_id": NO_CALL, SECRET: 1}}, 422, "invalid_request"),
        (("POST", "/v1/sessions"), {"json": {"call_id": NO_CALL, "reference": SECRET}}, 422, "card_data_refused"),
        (("POST", "/v1/sessions"), {"json": {"call_id": NO_CALL, "amount": -5, "currency": "GBP"}}, 422, "invalid_request"),
        (("POST", "/v1/sessions"), {"json": {"call_id": NO_CALL}}, 404, "not_found"),
        (("POST", "/v1/customers"), {"json": {"name": "x" * 70_000}}, 413, "body_too_large"),
    ],
)  # fmt: skip
def test_bad_calls_of_the_api(
    house: House, asked: tuple[str, str], sent: dict[str, Any], status: int, code: str
) -> None:
    headers = {"Content-Type": "application/json", "Idempotency-Key": f"bad-{asked[1]}-{len(str(sent))}"}
    headers |= sent.get("headers", {})
    answer = house.api.request(*asked, **{**sent, "headers": headers})
    assert_problem(answer, status, code)


def test_a_session_without_an_idempotency_key(house: House) -> None:
    answer = house.api.post("/v1/sessions", json={"call_id": NO_CALL})
    assert_problem(answer, 422, "idempotency_key_required")


def assert_problem(answer: httpx.Response, status: int, code: str) -> None:
    assert answer.headers["Content-Type"] == "application/problem+json"
    document = answer.json()
    assert (answer.status_code, document["status"], document["code"]) == (status, status, code), document
    assert document["type"].endswith(code)
    assert document["detail"]
    assert SECRET not in answer.text


def test_nothing_of_it_was_logged(house: House) -> None:
    """Runs last in this module, at debug level."""
    assert SECRET not in house.logs()
