"""A database that cannot be worked with, as a fault of the setting that names it."""

from collections.abc import Iterator
from contextlib import contextmanager

from tonevault.plumbing.migrations import DatabaseUnusableError
from tonevault.plumbing.settings import SettingsError


@contextmanager
def as_fault_of(setting: str) -> Iterator[None]:
    """Turns DatabaseUnusableError into SettingsError under `setting`, for example `desk.database`."""
    try:
        yield
    except DatabaseUnusableError as error:
        raise SettingsError([f"{setting}: {error}"]) from None
