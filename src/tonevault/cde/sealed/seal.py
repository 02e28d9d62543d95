"""What every sealed type refuses: to be shown, compared, hashed, copied, pickled, iterated or formatted."""

from typing import Never, SupportsIndex


class SealedError(TypeError):
    """A sealed value was asked for its content by a road other than the warrant."""


class Sealed:
    """Base of the sealed types. The mask is all that `str`, `repr` and format ever give; everything that copies is refused."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} sealed>"

    def __str__(self) -> str:
        return "<sealed>"

    def __format__(self, spec: str, /) -> str:
        return "<sealed>"

    def __eq__(self, other: object) -> bool:
        raise SealedError("a sealed value does not compare; ask its own methods")

    __hash__ = None  # type: ignore[assignment]

    def _refuse(self) -> Never:
        raise SealedError(f"{type(self).__name__} cannot be copied, pickled or serialised (PCI DSS 3.3.2)")

    def __copy__(self) -> Never:
        self._refuse()

    def __deepcopy__(self, memo: object) -> Never:
        self._refuse()

    def __reduce__(self) -> Never:
        self._refuse()

    def __reduce_ex__(self, protocol: SupportsIndex, /) -> Never:
        self._refuse()

    def __getstate__(self) -> Never:
        self._refuse()

    def __init_subclass__(cls) -> None:
        if "__slots__" not in cls.__dict__:
            raise SealedError(
                "a sealed type declares __slots__: an instance dictionary would show its content"
            )
