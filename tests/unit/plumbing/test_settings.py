"""Settings: every fault at once, each naming its field and the way out, none repeating a value."""

from pathlib import Path

import pytest

from tonevault.app.settings import TonevaultSettings
from tonevault.plumbing.settings import SettingsError, load

SECRET = "swordfish-4242424242424242"
LONG = f"{SECRET}-{SECRET}"

GOOD = """
[[accounts]]
id = "acme"
name = "Acme Ltd"

[[secure.routes]]
name = "support"
account = "acme"
peers = ["10.0.0.0/8"]
to = "sip:agents@10.0.0.20:5060;transport=tcp"
"""


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "tonevault.toml"
    path.write_text(text)
    return path


def faults(tmp_path: Path, text: str, environ: dict[str, str] | None = None) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        load(TonevaultSettings, write(tmp_path, text), environ or {})
    assert SECRET not in str(caught.value)
    return caught.value.problems


def test_a_whole_file(tmp_path: Path) -> None:
    settings = load(TonevaultSettings, write(tmp_path, GOOD), {"TONEVAULT_DESK__LISTEN": "0.0.0.0:9000"})
    assert settings.secure.routes[0].account == "acme"
    assert settings.desk.listen == "0.0.0.0:9000"


def test_variables_alone() -> None:
    settings = load(
        TonevaultSettings,
        None,
        {"TONEVAULT_SECURE__MEDIA__WORKERS": "2", "TONEVAULT_LOG__JSON_LINES": "true"},
    )
    assert (settings.secure.media.workers, settings.log.json_lines) == (2, True)


def test_a_variable_is_read_by_its_settings_type() -> None:
    """What looks like a number is a text where the setting is one, and a list is written as in the file."""
    variables = {
        "TONEVAULT_SECURE__KEYS__PKCS11__TOKEN": "8080",
        "TONEVAULT_SECURE__SIP__LISTEN": '["udp:127.0.0.1:5070"]',
    }
    secure = load(TonevaultSettings, None, variables).secure
    assert (secure.keys.pkcs11.token, secure.sip.listen) == ("8080", ("udp:127.0.0.1:5070",))


@pytest.mark.parametrize(
    ("variable", "said"),
    [
        ("TONEVAULT_DESK__LISTN", "desk.listn (by TONEVAULT_DESK__LISTN): is not a setting; `listen` is"),
        ("TONEVAULT_DESK_LISTEN", "two underscores part a table from its setting"),
        ("TONEVAULT_DESK__LISTEN", "desk.listen (by TONEVAULT_DESK__LISTEN): must be ADDRESS:PORT"),
    ],
)
def test_a_wrong_variable_is_named(tmp_path: Path, variable: str, said: str) -> None:
    (line,) = faults(tmp_path, GOOD, {variable: SECRET})
    assert said in line
    assert variable in line


@pytest.mark.parametrize(
    ("text", "field", "way_out"),
    [
        ('[desk]\nlisten = "SECRET"', "desk.listen", "ADDRESS:PORT"),
        ('[secure.sip]\nlisten = ["SECRET"]', "secure.sip.listen[0]", "udp:0.0.0.0:5060"),
        ('[secure.sip]\nlisten = ["tls:0.0.0.0:5061"]', "secure.sip", "certificate and private_key"),
        ("[secure.media]\nfirst_port = 20000\nlast_port = 20003", "secure.media", "at least 8 ports"),
        ('[desk]\nlisten_to = "SECRET"', "desk.listen_to", "is not a setting; `listen` is"),
        ("[desk]\nwhatever = 1", "desk.whatever", "docs/configuration.md"),
        ("[secure.media]\nworker = 2", "secure.media.worker", "`workers` is"),
        (GOOD.replace('to = "', 'tto = "'), "secure.routes[0].tto", "`to` is"),
        ('[secure.media]\nworkers = "SECRET"', "secure.media.workers", "must be a whole number"),
        ("[secure.media]\nmax_calls = -3", "secure.media.max_calls", "must be 1 or more"),
        ('[log]\njson_lines = "SECRET"', "log.json_lines", "must be true or false"),
        ("[desk]\nlisten = 8080", "desk.listen", "must be a text in quotes"),
        ('secure = "SECRET"', "secure", "must be a table"),
        ('boundary_secret = "env:SHORT"', "boundary_secret", "openssl rand -hex 32"),
        ('boundary_secret = "SECRET"', "boundary_secret", "file:/path"),
        ('boundary_secret = "file:/nowhere/at/all"', "boundary_secret", "names no file"),
        (GOOD.replace('account = "acme"', 'account = "other"'), "secure.routes[0].account", "[[accounts]]"),
        (GOOD.replace("10.0.0.0/8", "SECRET"), "secure.routes[0].peers[0]", "10.0.0.0/8"),
        (GOOD.replace("sip:agents@10.0.0.20:5060;transport=tcp", "SECRET"), "secure.routes[0].to", "sip:agents@"),
        (GOOD.replace('id = "acme"', 'id = "Acme 2"'), "accounts[0].id", "small letters and hyphens"),
    ],
)  # fmt: skip
def test_faults_name_the_field_and_the_way_out(tmp_path: Path, text: str, field: str, way_out: str) -> None:
    found = faults(tmp_path, text.replace("SECRET", SECRET), {"SHORT": SECRET})
    assert any(line.startswith(field) and way_out in line for line in found), found


def test_a_list_is_not_called_short_because_its_item_is_wrong(tmp_path: Path) -> None:
    assert len(faults(tmp_path, '[secure.sip]\nlisten = ["nonsense"]')) == 1


def test_a_value_in_the_place_of_a_name_is_not_repeated(tmp_path: Path) -> None:
    (line,) = faults(tmp_path, "4242424242424242 = 1")
    assert "4242" not in line
    assert "is not a setting" in line


def test_all_faults_at_once(tmp_path: Path) -> None:
    assert len(faults(tmp_path, '[desk]\nlisten = 1\n[log]\nlevel = "LOUD"')) == 2


def test_not_toml(tmp_path: Path) -> None:
    assert "is not TOML" in faults(tmp_path, f"x = {SECRET}")[0]


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read"):
        load(TonevaultSettings, tmp_path / "absent.toml", {})


def test_secrets_by_reference(tmp_path: Path) -> None:
    held = tmp_path / "secret"
    held.write_text(LONG + "\n")
    by_file = load(TonevaultSettings, write(tmp_path, f'boundary_secret = "file:{held}"'), {})
    by_name = load(TonevaultSettings, write(tmp_path, 'boundary_secret = "env:BOUNDARY"'), {"BOUNDARY": LONG})
    for settings in (by_file, by_name):
        assert settings.boundary_secret is not None
        assert settings.boundary_secret.get_secret_value() == LONG
        assert SECRET not in repr(settings)
