"""Compiled loops, C without Python's interface, loaded by ctypes from beside the modules that call them. It refuses a library that is
missing, and one that was compiled for other sizes than Python's."""

import ctypes
from collections.abc import Callable
from ctypes import c_char_p, c_double, c_int32, c_int64, c_void_p
from pathlib import Path
from typing import Final

WAY_OUT: Final = "run scripts/setup, or `pip install` Tonevault again where there is a C compiler"

_KINDS: Final[dict[str, type[c_void_p | c_char_p | c_int32 | c_int64 | c_double]]] = {
    "p": c_void_p,
    "b": c_char_p,
    "i": c_int32,
    "l": c_int64,
    "d": c_double,
}

Function = Callable[..., int]
"""A function of a library. Addresses, counts and times in; what it gives back, if anything, is a count or a truth."""


class CompiledError(RuntimeError):
    """A library is not there, or was compiled for another version of Tonevault. The message says which, and the way out."""

    def __init__(self, fault: str) -> None:
        super().__init__(f"{fault}; {WAY_OUT}")
        self.fault = fault


class Compiled:
    """One library. It is loaded when it is first asked for something."""

    def __init__(self, path: Path, name: str) -> None:
        """`name` is what messages call it."""
        self.path = path
        self._name = name
        self._library: ctypes.CDLL | None = None
        self._functions: dict[tuple[str, str], Function] = {}
        self._fits: set[tuple[str, tuple[int, ...]]] = set()

    def function(self, name: str, parameters: str) -> Function:
        """A function by its name; a letter for each parameter: p for an address, b for bytes, i and l for whole numbers of 32 and 64 bits,
        d for a double. Raises CompiledError."""
        known = self._functions.get((name, parameters))
        if known is not None:
            return known
        try:
            found = self._loaded()[name]
        except AttributeError as error:
            raise self._stale() from error
        found.argtypes = [_KINDS[kind] for kind in parameters]
        found.restype = c_int32
        self._functions[name, parameters] = found
        return found

    def require(self, check: str, sizes: tuple[int, ...]) -> None:
        """Have the library say, by its function `check`, whether it was compiled for these sizes. Raises CompiledError."""
        if (check, sizes) in self._fits:
            return
        if not self.function(check, "pi")((c_int32 * len(sizes))(*sizes), len(sizes)):
            raise self._stale()
        self._fits.add((check, sizes))

    def _loaded(self) -> ctypes.CDLL:
        if self._library is None:
            try:
                self._library = ctypes.CDLL(str(self.path))
            except OSError as error:
                fault = f"{self._name}, {self.path.name}, are missing or not for this machine"
                raise CompiledError(fault) from error
        return self._library

    def _stale(self) -> CompiledError:
        return CompiledError(f"{self._name}, {self.path.name}, are of another version of Tonevault")
