"""Two custodies while keys move from one to the other: new keys are made in the new one, and each opens what it wrapped."""

from tonevault.cde.key_custody import CustodyKind, KeyCustody, KeyCustodyError


class Succession:
    """A custody and the one before it, behind the one port. A key is the affair of whichever has it."""

    def __init__(self, custody: KeyCustody, before: KeyCustody) -> None:
        self._custody = custody
        self._before = before

    @property
    def kind(self) -> CustodyKind:
        """The new one's: keys are made there."""
        return self._custody.kind

    def key_ids(self) -> tuple[str, ...]:
        """Those of the custody before come first: they are older."""
        return (*self._before.key_ids(), *self._custody.key_ids())

    def make_key(self, existing: str | None = None) -> str:
        """See KeyCustody."""
        return self._custody.make_key(existing)

    def wrap(self, data_key: bytes, context: bytes, key_id: str) -> bytes:
        """See KeyCustody."""
        return self._of(key_id).wrap(data_key, context, key_id)

    def unwrap(self, wrapped: bytes, context: bytes, key_id: str) -> bytes:
        """See KeyCustody."""
        return self._of(key_id).unwrap(wrapped, context, key_id)

    def destroy_key(self, key_id: str) -> str:
        """See KeyCustody."""
        return self._of(key_id).destroy_key(key_id)

    def check(self) -> None:
        """Both must work, for keys of both are needed; one without keys is at its beginning or its end."""
        for custody in (self._custody, self._before):
            if custody.key_ids():
                custody.check()
        if not self.key_ids():
            raise KeyCustodyError("neither custody has a key; make one with `tonevault keys init`")

    def _of(self, key_id: str) -> KeyCustody:
        return self._before if key_id in self._before.key_ids() else self._custody
