"""What the doctor says of the gateways: whether their credentials are to be had, and whether they answer. Moves no money."""

import asyncio
import os
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Final, Protocol, runtime_checkable

from tonevault.app.embedded import Places
from tonevault.app.findings import Finding, Level
from tonevault.app.gateways import GatewayOpener
from tonevault.app.settings import AccountSettings
from tonevault.cde.gateway import Gateway, GatewayUnreachableError, Kind, Made, Verdict
from tonevault.kernel.ids import ATTEMPT, AccountId, make_id
from tonevault.kernel.money import Money
from tonevault.plumbing.clock import WallClock
from tonevault.plumbing.entropy import SYSTEM_ENTROPY
from tonevault.plumbing.settings import SettingsError

PATIENCE_S: Final = 10.0
"""For each gateway: a line that is slower will not carry payments."""


@runtime_checkable
class Pingable(Protocol):
    """A gateway that can be asked for something that moves nothing."""

    async def ping(self) -> None:
        """Raises GatewayUnreachableError when line or credentials fail."""


def gateway_findings(
    accounts: tuple[AccountSettings, ...], where: Places, environ: Mapping[str, str] = os.environ
) -> Iterator[Finding]:
    """One finding for each account that has another gateway than the simulator."""
    opener = GatewayOpener(where, WallClock(), environ)
    for place, account in enumerate(accounts):
        if account.gateway == "simulator":
            continue
        subject = f"gateway of {account.id}"
        if account.gateway == "braintree" and account.currency not in account.braintree.merchant_accounts:
            yield Finding(
                Level.WARNING,
                f"accounts[{place}].currency",
                "has no merchant account at Braintree, so what the panel charges is refused",
                "name one under braintree.merchant_accounts, or give the account a currency that has one",
            )
        try:
            trouble = asyncio.run(_asked(opener, account, f"accounts[{place}]"))
        except SettingsError as error:
            for problem in error.problems:
                setting, _, detail = problem.partition(": ")
                yield Finding(Level.FAULT, setting, detail, "docs/gateways.md says what each gateway needs")
            continue
        if account.gateway == "generic" and not account.generic.has_status:
            yield Finding(
                Level.OK,
                subject,
                "the credentials are there; without has_status it can be asked for nothing but money",
            )
        elif trouble is None:
            yield Finding(Level.OK, subject, f"{account.gateway} answers, and takes the credentials")
        else:
            yield Finding(
                Level.FAULT,
                subject,
                trouble,
                "check the credentials, and that this machine may reach the gateway",
            )


async def _look_for_nothing(gateway: Gateway, account: AccountSettings) -> None:
    """Look up a payment that was never made: a gateway that can be reached says so. Raises GatewayUnreachableError."""
    reference = make_id(ATTEMPT, 0, SYSTEM_ENTROPY)
    never = Made(
        AccountId(account.id), reference, Kind.PAYMENT, Money(1, account.currency), datetime.now(UTC)
    )
    answer = await gateway.look_up(never)
    if answer is not None and answer.verdict is Verdict.UNKNOWN:
        raise GatewayUnreachableError(f"{account.gateway} cannot be reached, or refuses the credentials")


async def _asked(opener: GatewayOpener, account: AccountSettings, setting: str) -> str | None:
    gateway: Gateway = opener.open(account, setting)
    try:
        async with asyncio.timeout(PATIENCE_S):
            if isinstance(gateway, Pingable):
                await gateway.ping()
            elif account.gateway != "generic" or account.generic.has_status:
                await _look_for_nothing(gateway, account)
    except GatewayUnreachableError as error:
        return str(error) or f"{account.gateway} cannot be reached"
    except TimeoutError:
        return f"{account.gateway} does not answer within {PATIENCE_S:.0f} seconds"
    else:
        return None
    finally:
        await gateway.close()
