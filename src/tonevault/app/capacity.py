"""Whether this machine can carry the calls that it is configured for, known before the first of them. The doctor and the start ask here."""

from typing import Final

from tonevault.app.edge_settings import relay_settings
from tonevault.app.settings import SecureSettings
from tonevault.cde.edge.relay.capacity import Needs, needs_of
from tonevault.plumbing.machine_limits import MachineLimits, machine_limits, raise_file_limit
from tonevault.plumbing.settings import SettingsError

MEBIBYTE: Final = 1024 * 1024


def needs(settings: SecureSettings) -> tuple[int, Needs]:
    """How many calls at once are allowed, and what they need. Raises SettingsError where the relays cannot be as they are configured."""
    relays = relay_settings(settings)
    calls = relays.most_calls
    needed = needs_of(
        calls,
        workers=relays.workers,
        calls_a_worker=relays.calls_a_worker,
        recorded=relays.recordings is not None,
    )
    return calls, needed


def shortcomings(calls: int, needed: Needs, limits: MachineLimits) -> list[tuple[str, str, str]]:
    """What the machine lacks: the setting, the rule, the way out."""
    found = []
    if limits.files_at_most is not None and limits.files_at_most < needed.files:
        found.append(
            (
                "secure.media.max_calls",
                f"{calls} calls need {needed.files} open files, and the limit is {limits.files_at_most}",
                f"set LimitNOFILE={needed.files} (systemd) or ulimit -Hn {needed.files}, or lower secure.media.max_calls",
            )
        )
    if limits.memory is not None and limits.memory < needed.memory:
        wanted, there = needed.memory // MEBIBYTE, limits.memory // MEBIBYTE
        found.append(
            (
                "secure.media.max_calls",
                f"{calls} calls need {wanted} MiB of memory, and there are {there}",
                "allow more (systemd's MemoryMax=, the container's limit, the machine), or lower secure.media.max_calls or workers",
            )
        )
    return found


def require_capacity(settings: SecureSettings) -> None:
    """Raise this process's own limit as far as that takes. Raises SettingsError when even then the configured calls do not fit."""
    calls, needed = needs(settings)
    lacking = shortcomings(calls, needed, machine_limits())
    if lacking:
        raise SettingsError([f"{subject}: {rule}; {way_out}" for subject, rule, way_out in lacking])
    raise_file_limit(needed.files)
