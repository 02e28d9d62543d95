"""Each account's gateway: opened from its table, its credentials by reference; what is wrong is named and never repeated."""

import asyncio
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tonevault.app.embedded import places
from tonevault.app.findings import Finding, Level
from tonevault.app.gateway_doctor import gateway_findings
from tonevault.app.gateways import GatewayOpener
from tonevault.app.settings import TonevaultSettings
from tonevault.cde.gateway import Gateway
from tonevault.kernel.ids import AccountId
from tonevault.plumbing.clock import WallClock
from tonevault.plumbing.settings import SettingsError, load
from tonevault.testing.gateways import WIRES, Behaviour, Fault, GatewayDouble, Step

ENVIRON = {
    "KEY": "sk_test_one",
    "OTHER_KEY": "sk_test_two",
    "PUBLISHABLE": "pk_test_one",
    "HOOK": "whsec_one",
    "PUBLIC": "public",
    "PRIVATE": "private",
    "USER": "user",
    "PASSWORD": "secret",
}
STRIPE = 'gateway = "stripe"\nstripe.secret_key = "env:KEY"\nstripe.webhook_secrets = ["env:HOOK"]'
BRAINTREE = """gateway = "braintree"
braintree = { merchant_id = "acme", public_key = "env:PUBLIC", private_key = "env:PRIVATE", merchant_accounts = { GBP = "test-gbp" } }"""
WORLDPAY = """gateway = "worldpay"
worldpay = { username = "env:USER", password = "env:PASSWORD", entity = "default", narrative = "Acme" }"""
GENERIC = """gateway = "generic"
generic = { url = "https://pay.example.com/charge", username = "env:USER", password = "env:PASSWORD" }"""
TABLES = {"stripe": STRIPE, "braintree": BRAINTREE, "worldpay": WORLDPAY, "generic": GENERIC}


def settings(folder: Path, *tables: str) -> TonevaultSettings:
    accounts = "\n".join(
        f'[[accounts]]\nid = "acme-{"abcdef"[place]}"\nname = "Acme"\n{table}'
        for place, table in enumerate(tables)
    )
    file = folder / "tonevault.toml"
    file.write_text(f'data_dir = "{folder}"\n{accounts}\n')
    return load(TonevaultSettings, file, ENVIRON)


def opened(wanted: TonevaultSettings) -> dict[AccountId, Gateway]:
    async def whole() -> dict[AccountId, Gateway]:
        gateways = GatewayOpener(places(wanted), WallClock(), ENVIRON).open_all(wanted.accounts)
        for gateway in set(gateways.values()):
            await gateway.close()
        return gateways

    return asyncio.run(whole())


def faults(folder: Path, *tables: str) -> str:
    with pytest.raises(SettingsError) as refused:
        opened(settings(folder, *tables))
    return "\n".join(refused.value.problems)


def test_every_account_has_the_gateway_it_asks_for(tmp_path: Path) -> None:
    gateways = opened(settings(tmp_path, "", *TABLES.values()))
    assert [each.traits.name for each in gateways.values()] == ["simulator", *TABLES]


def test_accounts_of_one_gateway_have_each_their_own_and_share_the_simulator(tmp_path: Path) -> None:
    other = STRIPE.replace("env:KEY", "env:OTHER_KEY")
    one, two, three, four = opened(settings(tmp_path, STRIPE, other, "", "")).values()
    assert one is not two
    assert three is four


@pytest.mark.parametrize("gateway", TABLES)
def test_a_gateway_without_its_table_says_what_it_needs(tmp_path: Path, gateway: str) -> None:
    said = faults(tmp_path, f'gateway = "{gateway}"')
    assert said.startswith(f"accounts[0]: gateway {gateway} needs {gateway}.")
    assert "docs/gateways.md" in said


def test_a_credential_that_is_written_out_is_refused_and_not_repeated(tmp_path: Path) -> None:
    said = faults(tmp_path, STRIPE.replace("env:KEY", "sk_live_verysecret"))
    assert "accounts[0].stripe.secret_key" in said
    assert "write a reference" in said
    assert "verysecret" not in said


def test_a_credential_that_is_not_there_or_malformed_is_named_with_its_rule(tmp_path: Path) -> None:
    said = faults(
        tmp_path,
        STRIPE.replace("env:KEY", f"file:{tmp_path}/none"),
        STRIPE.replace("env:KEY", "env:PUBLISHABLE"),
        STRIPE.replace("env:HOOK", "env:KEY"),
        WORLDPAY.replace("env:PASSWORD", "env:NOT_SET"),
    )
    lines = said.splitlines()
    assert len(lines) == 4
    assert lines[0].startswith("accounts[0].stripe.secret_key: file: names no file")
    assert "accounts[1].stripe.secret_key: is no secret key" in lines[1]
    assert "publishable" in lines[1]
    assert "accounts[2].stripe.webhook_secrets: each is the signing secret" in lines[2]
    assert lines[3].startswith("accounts[3].worldpay.password: env: names a variable that is not set")
    assert not any(value in said for value in ("pk_test_one", "sk_test_one"))


@pytest.mark.parametrize(
    ("url", "rule"),
    [
        ("http://pay.example.com/", "must begin with https://"),
        ("https://user:secret@pay.example.com/", "without user or password"),
        ("pay.example.com", "must be a URL"),
    ],
)
def test_cards_go_over_tls_alone(tmp_path: Path, url: str, rule: str) -> None:
    said = faults(tmp_path, GENERIC.replace("https://pay.example.com/charge", url))
    assert said.startswith("accounts[0].generic.url: ")
    assert rule in said
    assert "user:secret" not in said


def test_a_currency_of_braintree_is_one_of_iso_4217(tmp_path: Path) -> None:
    assert "ISO 4217" in faults(tmp_path, BRAINTREE.replace("GBP", "XYZ"))


def test_the_tables_are_as_the_page_shows_them() -> None:
    assert all(tomllib.loads(table) for table in TABLES.values())


@pytest.fixture(params=["stripe", "braintree", "worldpay"])
def double(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[GatewayDouble]:
    with GatewayDouble(WIRES[request.param](), tmp_path / "double.db") as running:
        yield running


def examined(folder: Path, double: GatewayDouble) -> Finding:
    name = double.wire.name
    extra = f'{name}.url = "{double.url}"'
    table = TABLES[name]
    if name != "stripe":
        table = table.replace(" }", f', url = "{double.url}" }}') if name == "worldpay" else table
        table = table.replace("} }", f'}}, url = "{double.url}" }}')
        extra = ""
    wanted = settings(folder, f"{table}\n{extra}")
    (found,) = gateway_findings(wanted.accounts, places(wanted), ENVIRON)
    return found


def test_the_doctor_asks_a_gateway_without_moving_money(tmp_path: Path, double: GatewayDouble) -> None:
    found = examined(tmp_path, double)
    assert (found.level, found.subject) == (Level.OK, "gateway of acme-a")
    assert double.ledger.movements() == []
    assert {each.step for each in double.seen} <= {Step.LOOK_UP, Step.LIST}


@pytest.mark.parametrize("behaviour", [Behaviour(fault=Fault.CREDENTIALS), Behaviour(answers=False)])
def test_the_doctor_says_what_keeps_a_gateway_from_answering(
    tmp_path: Path, double: GatewayDouble, behaviour: Behaviour
) -> None:
    for step in (Step.LOOK_UP, Step.LIST):
        double.always(step, behaviour)
    found = examined(tmp_path, double)
    assert found.level is Level.FAULT
    assert "refuse" in found.detail or "reached" in found.detail
    assert found.way_out


def test_the_doctor_names_a_currency_that_the_panel_could_not_charge_in(tmp_path: Path) -> None:
    table = BRAINTREE.replace("GBP", "EUR").replace("} }", '}, url = "http://127.0.0.1:9" }')
    wanted = settings(tmp_path, table)
    warning, _ = gateway_findings(wanted.accounts, places(wanted), ENVIRON)
    assert (warning.level, warning.subject) == (Level.WARNING, "accounts[0].currency")
    assert "merchant_accounts" in warning.way_out


def test_the_doctor_asks_nothing_of_the_simulator_and_a_bare_connector(tmp_path: Path) -> None:
    wanted = settings(tmp_path, "", GENERIC)
    (found,) = gateway_findings(wanted.accounts, places(wanted), ENVIRON)
    assert (found.level, found.subject) == (Level.OK, "gateway of acme-b")
    assert "has_status" in found.detail
