"""`tonevault serve`: makes what is missing, starts both zones, and says where the panel is."""

from pathlib import Path

import click

from tonevault.app.databases import upgrade_zones
from tonevault.app.embedded import places, prepare_boundary
from tonevault.app.settings import TonevaultSettings
from tonevault.app.supervisor import CONFIGURATION_EXIT, Supervisor, both_zones
from tonevault.plumbing.settings import SettingsError


async def run_serve(settings: TonevaultSettings, config: Path | None) -> int:
    """Run until stopped; answers the exit code."""
    if not settings.accounts:
        raise SettingsError(
            ["accounts: there is none; add an [[accounts]] table with id and name (docs/configuration.md)"]
        )
    prepare_boundary(places(settings))
    upgrade_zones(settings, "both")
    supervisor = Supervisor(both_zones(config, settings.secure.drain_s))
    click.echo(
        f"Tonevault: panel and API at {public_url(settings)}, SIP at {', '.join(settings.secure.sip.listen)}; Ctrl-C stops."
    )
    code = await supervisor.run()
    if code == CONFIGURATION_EXIT:
        click.echo(
            "tonevault: stopped, because a zone cannot start as it is configured; see above.", err=True
        )
    return code


def public_url(settings: TonevaultSettings) -> str:
    """How browsers reach the desk."""
    return settings.desk.public_url or f"http://{settings.desk.listen}"
