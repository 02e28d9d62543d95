"""A customer, and the change of one."""

from dataclasses import dataclass, replace
from datetime import datetime

from tonevault.kernel.ids import CustomerId


@dataclass(frozen=True, slots=True)
class CustomerDraft:
    """What the merchant says of a customer. `phone` is E.164; `reference` is the merchant's own id."""

    name: str
    phone: str | None = None
    email: str | None = None
    reference: str | None = None


@dataclass(frozen=True, slots=True)
class Customer:
    """A customer of one account."""

    id: CustomerId
    name: str
    phone: str | None
    email: str | None
    reference: str | None
    created_at: datetime
    updated_at: datetime

    @property
    def draft(self) -> CustomerDraft:
        """What the merchant said, without what the desk added."""
        return CustomerDraft(self.name, self.phone, self.email, self.reference)

    def changed(self, draft: CustomerDraft, now: datetime) -> "Customer":
        """The customer as the merchant now says; the same value where nothing differs."""
        if draft == self.draft:
            return self
        return replace(
            self,
            name=draft.name,
            phone=draft.phone,
            email=draft.email,
            reference=draft.reference,
            updated_at=now,
        )
