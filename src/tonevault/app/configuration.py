"""The configuration as commands load it: what is wrong with it is named, with an exit code of its own."""

import os
from pathlib import Path

import click

from tonevault.app.settings import TonevaultSettings
from tonevault.app.supervisor import CONFIGURATION_EXIT
from tonevault.plumbing.settings import SettingsError, load


class ConfigurationFault(click.ClickException):
    """What was wrong, a line each; the exit code tells a supervisor not to try again."""

    exit_code = CONFIGURATION_EXIT

    def show(self, file: object = None) -> None:  # noqa: ARG002 - click's signature
        """Print to stderr, the way out last."""
        click.echo("tonevault: the configuration cannot be used:", err=True)
        for line in self.message.splitlines():
            click.echo(f"  {line}", err=True)
        click.echo(
            "`tonevault doctor` checks the whole; docs/configuration.md explains every setting.", err=True
        )


def load_settings(path: Path | None) -> TonevaultSettings:
    """The settings of `path` with the environment's over them, or a ConfigurationFault."""
    try:
        return load(TonevaultSettings, path, os.environ)
    except SettingsError as error:
        raise ConfigurationFault("\n".join(error.problems)) from None
