"""The command line: reads the configuration, names what is wrong with it, and hands over to one module a command."""

import asyncio
import json
import sys
from collections.abc import Coroutine
from pathlib import Path

import click

from tonevault import __version__
from tonevault.app.configuration import ConfigurationFault, load_settings
from tonevault.app.key_commands import keys
from tonevault.app.settings import TonevaultSettings
from tonevault.plumbing.log import set_up_logging
from tonevault.plumbing.process import die_with_parent, harden_process
from tonevault.plumbing.settings import CONFIG_VARIABLE, SettingsError

CONFIG_HELP = f"The TOML configuration file; {CONFIG_VARIABLE} names it too."


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="tonevault")
@click.option(
    "--config", type=click.Path(path_type=Path, dir_okay=False), envvar=CONFIG_VARIABLE, help=CONFIG_HELP
)
@click.option("--parent", type=int, hidden=True, help="End when this process ends.")
@click.pass_context
def main(context: click.Context, config: Path | None, parent: int | None) -> None:
    """Take card payments on live calls without a card digit reaching the contact centre."""
    harden_process()
    if parent is not None:
        die_with_parent(parent)
    context.obj = config


@main.command()
@click.pass_obj
def serve(config: Path | None) -> None:
    """Run both zones on this machine, each in its own process."""
    from tonevault.app.serve import run_serve  # noqa: PLC0415 - each command loads what it needs and no more

    settings = _begin(config)
    try:
        sys.exit(asyncio.run(run_serve(settings, config)))
    except SettingsError as error:
        raise ConfigurationFault("\n".join(error.problems)) from None


@main.command()
@click.pass_obj
def secure(config: Path | None) -> None:
    """Run the secure zone: the SIP edge, capture, vault and gateways."""
    from tonevault.app.secure import run_secure  # noqa: PLC0415

    settings = _begin(config)
    _run(run_secure(settings))


@main.command()
@click.pass_obj
def desk(config: Path | None) -> None:
    """Run the desk zone: the merchant API and the panel."""
    from tonevault.app.desk import run_desk  # noqa: PLC0415

    settings = _begin(config)
    _run(run_desk(settings))


@main.command()
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8080,
    show_default=True,
    help="Where the panel is served; 0: any free port.",
)
@click.option(
    "--data-dir",
    type=click.Path(path_type=Path, file_okay=False),
    help="Keep the data here instead of throwing it away.",
)
def demo(port: int, data_dir: Path | None) -> None:
    """Both zones, a contact-centre phone and a customer's phone: see a card captured with no phone of your own."""
    from tonevault.app.demo import run_demo  # noqa: PLC0415

    set_up_logging(level="WARNING")
    try:
        sys.exit(asyncio.run(run_demo(port=port, data_dir=data_dir)))
    except SettingsError as error:
        raise click.ClickException("\n".join(error.problems)) from None


@main.command()
@click.option("--audit", is_flag=True, help="Check the audit logs instead, every entry of both zones.")
@click.option(
    "--head", "heads", multiple=True, help="With --audit: a head that the log showed; repeat for several."
)
@click.option("--json", "as_json", is_flag=True, help="Write one JSON object.")
@click.pass_obj
def doctor(config: Path | None, audit: bool, heads: tuple[str, ...], as_json: bool) -> None:
    """Say what is wrong with the configuration and this machine, and how to mend it. Exits with 1 where anything is."""
    from tonevault.app.audit_doctor import examine_audit  # noqa: PLC0415
    from tonevault.app.doctor import examine  # noqa: PLC0415
    from tonevault.app.findings import document  # noqa: PLC0415

    settings = load_settings(config)
    findings = examine_audit(settings, heads) if audit else examine(settings)
    if as_json:
        click.echo(json.dumps(document(findings), indent=2))
    else:
        for each in findings:
            click.echo(str(each))
    sys.exit(1 if any(each.is_fault for each in findings) else 0)


@main.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--show", is_flag=True, help="Show the keys themselves: the list is card data then.")
@click.option("--json", "as_json", is_flag=True, help="Write one JSON document.")
def tones(files: tuple[Path, ...], show: bool, as_json: bool) -> None:
    """Say which keypad tones WAV recordings hold, when and how sure; and whether they are a card number.

    Exits with 0 when no card number was found, 1 when one was, 2 when a file could not be read.
    """
    from tonevault.app.compiled_doctor import ear_findings, require  # noqa: PLC0415
    from tonevault.app.tones import Wish, list_tones  # noqa: PLC0415
    from tonevault.app.tones_progress import TerminalProgress  # noqa: PLC0415

    try:
        require(ear_findings())
    except SettingsError as error:
        raise ConfigurationFault("\n".join(error.problems)) from None
    with TerminalProgress() as progress:
        outcome = list_tones(files, Wish(show, as_json), sys.stdout.buffer, sys.stderr.buffer, progress)
    sys.exit(outcome)


@main.group()
def db() -> None:
    """The databases of both zones."""


@db.command()
@click.option("--zone", type=click.Choice(["secure", "desk", "both"]), default="both", show_default=True)
@click.pass_obj
def upgrade(config: Path | None, zone: str) -> None:
    """Bring the databases to the newest schema."""
    from tonevault.app.databases import upgrade_zones  # noqa: PLC0415

    try:
        for line in upgrade_zones(load_settings(config), zone):
            click.echo(line)
    except SettingsError as error:
        raise ConfigurationFault("\n".join(error.problems)) from None


@main.group()
def users() -> None:
    """Those who log in to the panel."""


@users.command("add")
@click.argument("email")
@click.option("--account", required=True, help="The id of an [[accounts]] table.")
@click.option(
    "--role",
    type=click.Choice(["agent", "supervisor", "finance", "auditor", "admin"]),
    default="agent",
    show_default=True,
)
@click.password_option()
@click.pass_obj
def add_user(config: Path | None, email: str, account: str, role: str, password: str) -> None:
    """Let EMAIL log in to the panel; the password is asked for."""
    from tonevault.app.people import add_user as add  # noqa: PLC0415

    click.echo(_answer(add(load_settings(config), account, email, role, password)))


@main.group("api-keys")
def api_keys() -> None:
    """The keys that programs call the merchant API with."""


@api_keys.command("add")
@click.argument("name")
@click.option("--account", required=True, help="The id of an [[accounts]] table.")
@click.option("--scope", "scopes", multiple=True, help="Repeat for several; all scopes when left out.")
@click.pass_obj
def add_api_key(config: Path | None, name: str, account: str, scopes: tuple[str, ...]) -> None:
    """Make an API key. It is shown once and stored as a keyed hash."""
    from tonevault.app.people import add_api_key as add  # noqa: PLC0415

    click.echo(_answer(add(load_settings(config), account, name, scopes)))


main.add_command(keys)


def _begin(config: Path | None) -> TonevaultSettings:
    settings = load_settings(config)
    set_up_logging(level=settings.log.level, json=settings.log.json_lines)
    return settings


def _answer(work: Coroutine[object, object, str]) -> str:
    try:
        return asyncio.run(work)
    except SettingsError as error:
        raise click.UsageError("\n".join(error.problems)) from None


def _run(work: Coroutine[object, object, None]) -> None:
    import uvloop  # noqa: PLC0415

    try:
        uvloop.run(work)
    except SettingsError as error:
        raise ConfigurationFault("\n".join(error.problems)) from None


if __name__ == "__main__":
    main()
