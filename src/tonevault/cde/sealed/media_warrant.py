"""The only opener of sealed media keys. Who imports this module is listed in the import contracts, one line a reader."""

from collections.abc import Iterator
from contextlib import contextmanager

from tonevault.cde.sealed.media_key import MediaKey


@contextmanager
def open_media_key(key: MediaKey) -> Iterator[memoryview]:
    """The octets of a key, readable until the block ends; the view is released, no copy is made."""
    with memoryview(key._octets).toreadonly() as view:  # noqa: SLF001 - opening the seal is this module's one task
        yield view
