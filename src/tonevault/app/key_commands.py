"""`tonevault keys …`: the words of the commands; what they do is in `key_acts`. Passphrases are asked for, never taken as words."""

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from tonevault.app.configuration import ConfigurationFault, load_settings
from tonevault.cde.key_custody import KeyCustodyError
from tonevault.cde.keys.errors import KeyActRefusedError
from tonevault.plumbing.log import set_up_logging
from tonevault.plumbing.settings import SettingsError

if TYPE_CHECKING:
    from tonevault.cde.keys.ceremonies import Person

F = TypeVar("F", bound=Callable[..., Any])


@click.group()
def keys() -> None:
    """The keys of the vault: who holds them, how old they are, and their renewal. docs/keys.md tells when to do what."""
    set_up_logging(level="WARNING")


def two_people(command: F) -> F:
    """--as and --with: most acts on keys take two custodians."""
    command = click.option(
        "--with",
        "second",
        metavar="NAME",
        help="The second custodian, here too; without, it waits for `approve`.",
    )(command)
    return click.option(
        "--as", "proposer", metavar="NAME", required=True, help="The custodian who proposes."
    )(command)


@keys.command()
@click.option("--custodian", "names", metavar="NAME", multiple=True, help="Twice: the two first custodians.")
@click.option(
    "--key", "existing", metavar="REFERENCE", help="A key that the custody's keeper made (KMS, Vault)."
)
@click.pass_obj
def init(config: Path | None, names: tuple[str, ...], existing: str | None) -> None:
    """Enrol two custodians and make the first key."""
    from tonevault.app.key_acts import found  # noqa: PLC0415 - each command loads what it needs and no more

    _run(found(load_settings(config), names, existing, _ask))


@keys.command()
@click.option("--json", "as_json", is_flag=True, help="Write one JSON object.")
@click.pass_obj
def status(config: Path | None, as_json: bool) -> None:
    """Keys, their ages and what they hold; custodians, and ceremonies that wait."""
    from tonevault.app.key_acts import status as show  # noqa: PLC0415

    _run(show(load_settings(config), as_json=as_json))


@keys.command()
@two_people
@click.option(
    "--key", "existing", metavar="REFERENCE", help="A key that the custody's keeper made (KMS, Vault)."
)
@click.pass_obj
def rotate(config: Path | None, proposer: str, second: str | None, existing: str | None) -> None:
    """Put a new key-encrypting key into force; touches no card and no data key."""
    _hold(config, "rotate", existing or "*", (proposer, second))


@keys.command()
@click.pass_obj
def rewrap(config: Path | None) -> None:
    """Wrap every account's keys anew under the key in force; touches no card. One person may, at any time."""
    from tonevault.app.key_acts import rewrap as run  # noqa: PLC0415

    _run(run(load_settings(config)))


@keys.command()
@two_people
@click.option("--account", metavar="ACCOUNT", help="This account alone.")
@click.option("--index", is_flag=True, help="Renew the index key too, by which a known card is found.")
@click.pass_obj
def rekey(config: Path | None, proposer: str, second: str | None, account: str | None, index: bool) -> None:
    """Give accounts new data keys and seal every card anew, while the vault serves. What was cut short goes on first."""
    from tonevault.app.key_acts import resume_rekeying  # noqa: PLC0415

    if not _run(resume_rekeying(load_settings(config), account)):
        _hold(config, "rekey-index" if index else "rekey", account or "*", (proposer, second))


@keys.command()
@two_people
@click.pass_obj
def retire(config: Path | None, proposer: str, second: str | None) -> None:
    """Destroy the keys that nothing needs any more, and say what needs the others."""
    _hold(config, "retire", "*", (proposer, second))


@keys.command()
@two_people
@click.argument("holder", type=click.Choice(["custodian-one", "custodian-two", "escrow"]))
@click.pass_obj
def recover(config: Path | None, proposer: str, second: str | None, holder: str) -> None:
    """Rebuild the lost shares of HOLDER from the two others, which lie in their folders."""
    _hold(config, "recover", holder, (proposer, second))


@keys.command()
@two_people
@click.option("--account", metavar="ACCOUNT", required=True, help="The account that leaves.")
@click.pass_obj
def shred(config: Path | None, proposer: str, second: str | None, account: str) -> None:
    """Delete an account's keys: its cards never open again. Its tokens are revoked and emptied."""
    from tonevault.app.key_acts import resume_shredding  # noqa: PLC0415

    if not _run(resume_shredding(load_settings(config), account)):
        _hold(config, "shred", account, (proposer, second))


@keys.command()
@click.argument("ceremony")
@click.option(
    "--as",
    "name",
    metavar="NAME",
    required=True,
    help="The custodian who approves; not the one who proposed.",
)
@click.pass_obj
def approve(config: Path | None, ceremony: str, name: str) -> None:
    """Approve what another custodian proposed within the hour, and carry it out."""
    from tonevault.app.key_acts import approve as run  # noqa: PLC0415

    _run(run(load_settings(config), ceremony, name, _ask))


@keys.group()
def custodian() -> None:
    """Those who hold key ceremonies."""


@custodian.command()
@two_people
@click.argument("name")
@click.pass_obj
def add(config: Path | None, proposer: str, second: str | None, name: str) -> None:
    """Enrol NAME, who gives a passphrase where it is approved."""
    _hold(config, "enrol", name, (proposer, second))


@custodian.command()
@two_people
@click.argument("name")
@click.pass_obj
def remove(config: Path | None, proposer: str, second: str | None, name: str) -> None:
    """NAME holds no ceremonies any more; two custodians must stay."""
    _hold(config, "dismiss", name, (proposer, second))


def _hold(config: Path | None, act: str, subject: str, people: tuple[str, str | None]) -> None:
    from tonevault.app.key_acts import hold  # noqa: PLC0415
    from tonevault.cde.keys.model import KeyAct  # noqa: PLC0415

    _run(hold(load_settings(config), KeyAct(act), subject, people, _ask))


def _ask(name: str, is_new: bool) -> "Person":
    from tonevault.cde.keys.ceremonies import Person  # noqa: PLC0415

    text = f"{name}, choose a passphrase" if is_new else f"{name}, your passphrase"
    return Person(name, click.prompt(text, hide_input=True, confirmation_prompt=is_new, err=True))


T = TypeVar("T")


def _run(work: Coroutine[object, object, T]) -> T:
    try:
        return asyncio.run(work)
    except SettingsError as error:
        raise ConfigurationFault("\n".join(error.problems)) from None
    except (KeyCustodyError, KeyActRefusedError) as error:
        raise click.ClickException(str(error)) from None
