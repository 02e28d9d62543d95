"""In which currencies an account's gateway charges: a request in another is refused by name, before a card is taken or a charge made."""

from collections.abc import Callable
from typing import Final

from tonevault.desk.refusal import FieldFault, Refusal
from tonevault.desk.web.money import money
from tonevault.kernel.ids import AccountId
from tonevault.kernel.money import Money

CurrenciesOf = Callable[[AccountId], frozenset[str] | None]
"""The currencies of an account's gateway, as the process's wiring reads them; None: every one that Tonevault knows."""
CURRENCY_NOT_SUPPORTED: Final = "currency_not_supported"


def every_currency(account_id: AccountId) -> None:  # noqa: ARG001 - of whoever has configured none
    """Whatever the kernel knows."""
    return


def taken_money(currencies_of: CurrenciesOf, account_id: AccountId, amount: int, currency: str) -> Money:
    """The amount, if the account's gateway charges in its currency. Raises Refusal."""
    asked, taken = money(amount, currency), currencies_of(account_id)
    if taken is not None and currency not in taken:
        rule = f"is not one that this account's gateway charges in; choose {_either(taken)}"
        fault = FieldFault("currency", CURRENCY_NOT_SUPPORTED, rule)
        raise Refusal(422, CURRENCY_NOT_SUPPORTED, f"currency: {rule}", errors=(fault,))
    return asked


def _either(codes: frozenset[str]) -> str:
    *first, last = sorted(codes)
    return f"{', '.join(first)} or {last}" if first else last
