"""The house of a canary run beside its calls: recordings, webhooks, and accounts that check cards or have other gateways."""

from pathlib import Path
from typing import Final

from tests.e2e.house_plan import HousePorts
from tests.e2e.peers.ports import LOOPBACK

CHECKING: Final = "checker"
"""Has each card that is kept verified."""
STRIPE, BRAINTREE, WORLDPAY = "bolt", "volt", "watt"
"""Accounts whose gateways send webhooks. Nothing answers at their addresses: no card of theirs is ever charged here."""
STRIPE_SECRET: Final = "whsec_canary"
PUBLIC_KEY, PRIVATE_KEY = "public", "private"
WORLDPAY_KEY: Final = "shared-key-of-the-canaries"
NOBODY: Final = f"http://{LOOPBACK}:9"
RECORDINGS: Final = "recordings"


def house_tables(folder: Path, data_dir: Path, ports: HousePorts) -> str:
    """TOML for the configuration; secrets become files of `folder`."""

    def secret(name: str, content: str) -> str:
        path = folder / name
        path.write_text(content)
        path.chmod(0o600)
        return f'"file:{path}"'

    return f"""
[secure.recordings]
calls = "all"
directory = "{data_dir / RECORDINGS}"

[secure.webhooks]
listen = "{LOOPBACK}:{ports.webhooks}"

[[accounts]]
id = "{CHECKING}"
name = "Checker Ltd"
country_code = "44"
verify_cards = true

[[accounts]]
id = "{STRIPE}"
name = "Bolt Ltd"
gateway = "stripe"

[accounts.stripe]
secret_key = {secret("stripe-key", "sk_test_canary")}
webhook_secrets = [{secret("stripe-secret", STRIPE_SECRET)}]
url = "{NOBODY}"

[[accounts]]
id = "{BRAINTREE}"
name = "Volt Ltd"
gateway = "braintree"

[accounts.braintree]
merchant_id = "volt"
public_key = {secret("braintree-public", PUBLIC_KEY)}
private_key = {secret("braintree-private", PRIVATE_KEY)}
merchant_accounts = {{ GBP = "volt-gbp" }}
url = "{NOBODY}"

[[accounts]]
id = "{WORLDPAY}"
name = "Watt Ltd"
gateway = "worldpay"

[accounts.worldpay]
username = {secret("worldpay-user", "merchant")}
password = {secret("worldpay-password", "secret")}
entity = "default"
narrative = "Watt"
webhook_keys = [{secret("worldpay-key", WORLDPAY_KEY)}]
url = "{NOBODY}"
"""
