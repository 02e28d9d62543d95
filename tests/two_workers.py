"""Which tests may run at once, where pytest runs on two workers: those of the whole product, which start processes and play in real
time, one after another on one of them; all others beside them, a module at a time."""

from typing import Final

from xdist.scheduler import LoadScopeScheduling

WHOLE_PRODUCT: Final = ("tests/boundary/", "tests/e2e/")


class TwoWorkers(LoadScopeScheduling):  # type: ignore[misc]  # pytest-xdist tells no types
    """Hands out scopes in the order in which tests are collected, see `tests/conftest.py`."""

    def _split_scope(self, nodeid: str) -> str:
        return "the whole product" if is_whole_product(nodeid) else nodeid.partition("::")[0]


def is_whole_product(nodeid: str) -> bool:
    """Whether a test belongs to those that start the whole product."""
    return nodeid.startswith(WHOLE_PRODUCT)
