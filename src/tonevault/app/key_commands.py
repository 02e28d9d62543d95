"""`tonevault keys …`: the words of the commands; what they do is in `key_acts`. Passphrases are asked for, never taken as words."""

import asyncio
import sqlite3
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from tonevault.app.configuration import ConfigurationFault, load_settings
from tonevault.app.terminal_interrupts import Stopped
from tonevault.cde.key_custody import KeyCustodyError
from tonevault.cde.keys.errors import KeyActRefusedError
from tonevault.plumbing.database_errors import DatabaseBusyError
from tonevault.plumbing.log import set_up_logging
from tonevault.plumbing.settings import SettingsError

if TYPE_CHECKING:
    from tonevault.cde.keys.ceremonies import Person

F = TypeVar("F", bound=Callable[..., Any])


@click.group()
def keys() -> None:
    """The keys of the vault: who holds them, how old they are, and their renewal.

    Most acts take two custodians. Either both are at this terminal (--as alice --with boris), or one proposes (--as alice) and another
    approves within the hour. Passphrases are asked for and never shown. docs/keys.md tells when to do what.
    """
    set_up_logging(level="WARNING")


def two_people(command: F) -> F:
    """--as and --with: most acts on keys take two custodians."""
    command = click.option(
        "--with",
        "second",
        metavar="NAME",
        help="The second custodian, if at this terminal too; otherwise the act waits an hour for `keys approve`.",
    )(command)
    return click.option(
        "--as", "proposer", metavar="NAME", required=True, help="The custodian who proposes."
    )(command)


@keys.command()
@click.option(
    "--custodian",
    "names",
    metavar="NAME",
    multiple=True,
    help="Give it twice, once for each of the two. Small letters, points and hyphens.",
)
@click.option(
    "--key", "existing", metavar="REFERENCE", help="A key that the custody's keeper made (KMS, Vault)."
)
@click.pass_obj
def init(config: Path | None, names: tuple[str, ...], existing: str | None) -> None:
    """Enrol two custodians and make the first key.

    Each chooses a passphrase at this terminal, unseen by the other. Afterwards it says where the key's shares lie and who takes which.
    """
    from tonevault.app.key_acts import found  # noqa: PLC0415 - each command loads what it needs and no more

    run(found(load_settings(config), names, existing, _ask))


@keys.command(short_help="Keys, their ages and what they hold; custodians; what waits.")
@click.option("--json", "as_json", is_flag=True, help="Write one JSON object.")
@click.pass_obj
def status(config: Path | None, as_json: bool) -> None:
    """Keys, their ages and what they hold; custodians, and ceremonies that wait."""
    from tonevault.app.key_acts import status as show  # noqa: PLC0415

    run(show(load_settings(config), as_json=as_json))


@keys.command(short_help="Put a new key-encrypting key into force.")
@two_people
@click.option(
    "--key", "existing", metavar="REFERENCE", help="A key that the custody's keeper made (KMS, Vault)."
)
@click.pass_obj
def rotate(config: Path | None, proposer: str, second: str | None, existing: str | None) -> None:
    """Put a new key-encrypting key into force; touches no card and no data key. `keys rewrap` and `keys retire` follow."""
    _hold(config, "rotate", existing or "*", (proposer, second))


@keys.command(short_help="Wrap every account's keys anew under the key in force.")
@click.pass_obj
def rewrap(config: Path | None) -> None:
    """Wrap every account's keys anew under the key in force; touches no card. One person may, at any time."""
    from tonevault.app.key_acts import rewrap as wrap_anew  # noqa: PLC0415

    run(wrap_anew(load_settings(config)))


@keys.command(short_help="Give accounts new data keys and seal every card anew.")
@two_people
@click.option("--account", metavar="ACCOUNT", help="This account alone; every account without.")
@click.option("--index", is_flag=True, help="Renew the index key too, by which a known card is found.")
@click.pass_obj
def rekey(config: Path | None, proposer: str, second: str | None, account: str | None, index: bool) -> None:
    """Give accounts new data keys and seal every card anew, while the vault serves.

    May be stopped or killed at any moment. What was cut short goes on first, and takes no second approval.
    """
    from tonevault.app.key_acts import resume_rekeying  # noqa: PLC0415

    if not run(resume_rekeying(load_settings(config), account)):
        _hold(config, "rekey-index" if index else "rekey", account or "*", (proposer, second))


@keys.command(short_help="Destroy the keys that nothing needs any more.")
@two_people
@click.pass_obj
def retire(config: Path | None, proposer: str, second: str | None) -> None:
    """Destroy the keys that nothing needs any more, and say what needs the others. Backups from before may need them: docs/keys.md."""
    _hold(config, "retire", "*", (proposer, second))


@keys.command(short_help="Rebuild the lost shares of a holder from the two others.")
@two_people
@click.argument("holder", type=click.Choice(["custodian-one", "custodian-two", "escrow"]))
@click.pass_obj
def recover(config: Path | None, proposer: str, second: str | None, holder: str) -> None:
    """Rebuild the lost shares of HOLDER from the two others, which lie in their folders."""
    _hold(config, "recover", holder, (proposer, second))


@keys.command(short_help="Delete an account's keys: its cards never open again.")
@two_people
@click.option("--account", metavar="ACCOUNT", required=True, help="The account that leaves.")
@click.pass_obj
def shred(config: Path | None, proposer: str, second: str | None, account: str) -> None:
    """Delete an account's keys: its cards never open again. Its tokens are revoked and emptied. There is no way back."""
    from tonevault.app.key_acts import resume_shredding  # noqa: PLC0415

    if not run(resume_shredding(load_settings(config), account)):
        _hold(config, "shred", account, (proposer, second))


@keys.command(short_help="Approve what another custodian proposed, and carry it out.")
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
    """Approve what another custodian proposed within the last hour, and carry it out.

    CEREMONY is the id (cer_...) that the proposal was told; `keys status` lists those that wait. What it is about is said before the
    passphrase is asked for.
    """
    from tonevault.app.key_acts import approve as approve_it  # noqa: PLC0415

    run(approve_it(load_settings(config), ceremony, name, _ask))


@keys.group()
def custodian() -> None:
    """Add and remove those who hold key ceremonies."""


@custodian.command()
@two_people
@click.argument("name")
@click.pass_obj
def add(config: Path | None, proposer: str, second: str | None, name: str) -> None:
    """Enrol NAME, who chooses a passphrase at the terminal where it is approved."""
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

    run(hold(load_settings(config), KeyAct(act), subject, people, _ask))


def _ask(name: str, is_new: bool) -> "Person":
    from tonevault.app.key_prompt import ask  # noqa: PLC0415

    return ask(name, is_new)


T = TypeVar("T")


def run(work: Coroutine[object, object, T]) -> T:
    """To its end. Whatever is in its way becomes one sentence for whoever gave the command."""
    try:
        return asyncio.run(work)
    except SettingsError as error:
        raise ConfigurationFault("\n".join(error.problems)) from None
    except (KeyCustodyError, KeyActRefusedError) as error:
        raise click.ClickException(str(error)) from None
    except KeyboardInterrupt:
        raise Stopped("`tonevault keys status` shows how the keys stand.") from None
    except SQLAlchemyError as error:
        raise click.ClickException(_of_database(error)) from None


def _of_database(error: SQLAlchemyError) -> str:
    """SQLite says in its own words what is wrong, which hold no values; of others' words nobody knows that."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    reason = str(cause) if isinstance(cause, (sqlite3.Error, DatabaseBusyError)) else type(cause).__name__
    return (
        f"the secure database did not do its part ({reason}). `tonevault keys status` shows how the keys stand, and nothing "
        "speaks against giving the command again"
    )
