"""docs/gateways.md promises what the adapters declare, and its example is a configuration."""

import asyncio
import tomllib
from pathlib import Path

import pytest

from tonevault.app.embedded import places
from tonevault.app.gateways import GatewayOpener
from tonevault.app.settings import TonevaultSettings
from tonevault.cde.gateway import Feature, GatewayTraits
from tonevault.plumbing.clock import WallClock

PAGE = (Path(__file__).parents[3] / "docs" / "gateways.md").read_text()
ENVIRON = {"KEY": "sk_test_page", "USER": "user", "PASSWORD": "private"}
TABLES: dict[str, dict[str, object]] = {
    "stripe": {"secret_key": "env:KEY"},
    "braintree": {
        "merchant_id": "acme",
        "public_key": "env:USER",
        "private_key": "env:PASSWORD",
        "merchant_accounts": {"GBP": "acme-gbp"},
    },
    "worldpay": {"username": "env:USER", "password": "env:PASSWORD", "entity": "acme", "narrative": "Acme"},
    "generic": {"url": "https://pay.example.com", "username": "env:USER", "password": "env:PASSWORD"},
    "simulator": {},
}
ROWS = {
    "hold, capture (also a part), void": {Feature.HOLD, Feature.PARTIAL_CAPTURE, Feature.VOID},
    "refund (also a part)": {Feature.REFUND, Feature.PARTIAL_REFUND},
    "verify for no money": {Feature.VERIFY},
    "challenge (3-D Secure) on links": {Feature.CHALLENGE},
    "list for reconciliation": {Feature.LIST},
    "webhooks": {Feature.WEBHOOK},
}


def traits(folder: Path, name: str) -> GatewayTraits:
    account = {"id": "acme", "name": "Acme", "gateway": name}
    if name != "simulator":
        account[name] = TABLES[name]  # type: ignore[assignment]
    settings = TonevaultSettings.model_validate({"data_dir": folder, "accounts": [account]})

    async def asked() -> GatewayTraits:
        gateway = GatewayOpener(places(settings), WallClock(), ENVIRON).open(
            settings.accounts[0], "accounts[0]"
        )
        await gateway.close()
        return gateway.traits

    return asyncio.run(asked())


def row(name: str) -> dict[str, str]:
    line = next(each for each in PAGE.splitlines() if each.startswith(f"| {name} |"))
    return dict(zip(TABLES, (cell.strip() for cell in line.strip("|").split("|")[1:]), strict=True))


@pytest.mark.parametrize("gateway", TABLES)
def test_what_the_page_promises_is_declared(tmp_path: Path, gateway: str) -> None:
    declared = traits(tmp_path, gateway)
    for name, features in ROWS.items():
        said = row(name)[gateway]
        assert said.startswith("yes") is (features <= declared.features), (name, said)
        assert said.startswith(("yes", "where")) or features.isdisjoint(declared.features), (name, said)
    assert row("idempotent")[gateway].startswith("no") is not declared.idempotent
    lag = row("a look-up may lag by")[gateway]
    if lag[0].isdigit():
        number, unit = lag.split()
        assert declared.visibility_lag_s == int(number) * {"s": 1, "min": 60}[unit]


def test_the_example_is_a_configuration() -> None:
    example = PAGE.partition("```toml\n")[2].partition("```")[0]
    accounts = TonevaultSettings.model_validate(tomllib.loads(example)).accounts
    assert [each.gateway for each in accounts] == ["stripe", "braintree"]
