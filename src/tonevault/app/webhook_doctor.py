"""What the doctor says of gateways' webhooks: where they arrive, for which accounts, and whether their signatures can be checked.

Whether a secret that is configured can be read is said by `gateway_doctor`, which opens every gateway.
"""

import socket
from collections.abc import Iterator

from tonevault.app.certificate_doctor import certificate_findings
from tonevault.app.findings import Finding, Level
from tonevault.app.port_doctor import host_and_port, port_findings
from tonevault.app.settings import AccountSettings, TonevaultSettings

SUBJECT = "secure.webhooks.listen"


def webhook_findings(settings: TonevaultSettings, *, running: bool) -> Iterator[Finding]:
    """`running`: the secure process is up, so the port is its own."""
    webhooks = settings.secure.webhooks
    secrets = {account.id: _secrets(account) for account in settings.accounts}
    if webhooks.listen is None:
        waiting = [account for account, (_, given) in secrets.items() if given]
        if waiting:
            yield Finding(
                Level.WARNING,
                SUBJECT,
                f"is not set, so the webhooks of {', '.join(waiting)} are not heard; what falls silent is looked up all the same, later",
                'set it, for example listen = "127.0.0.1:8090" behind a proxy that speaks TLS',
            )
        return
    if not running:
        yield from port_findings(SUBJECT, socket.SOCK_STREAM, *host_and_port(webhooks.listen))
    yield from certificate_findings("secure.webhooks", webhooks.certificate, webhooks.private_key)
    for place, account in enumerate(settings.accounts):
        name, given = secrets[account.id]
        if name is not None and not given:
            yield Finding(
                Level.WARNING,
                f"accounts[{place}].{account.gateway}.{name}",
                "is empty, so every webhook of this account is refused",
                f"copy the signing secret from {account.gateway.title()}'s dashboard, as a reference",
            )
        elif given:
            yield Finding(
                Level.OK,
                f"webhooks of {account.id}",
                f"arrive at https://HOST/gateways/{account.gateway}/{account.id}/webhook, where HOST leads to {webhooks.listen}",
            )


def _secrets(account: AccountSettings) -> tuple[str | None, bool]:
    """The setting that holds an account's webhook secrets, None where its gateway needs none; and whether webhooks can be verified."""
    match account.gateway:
        case "stripe":
            return "webhook_secrets", bool(account.stripe.webhook_secrets)
        case "worldpay":
            return "webhook_keys", bool(account.worldpay.webhook_keys)
        case "braintree":
            # Its signatures are made with the key pair that requests are made with.
            return None, True
        case _:
            return None, False
