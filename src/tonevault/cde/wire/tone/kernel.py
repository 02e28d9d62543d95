"""The compiled loops of the ear and the mask, `c/*.c`, loaded from beside this module. It refuses to go on without them, and with a library
that was compiled for other sizes than Python's."""

import ctypes
from collections.abc import Callable
from ctypes import c_char_p, c_int32, c_int64, c_void_p
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

LIBRARY: Final = Path(__file__).with_name("libear.so")
_STALE: Final = f"the compiled ear, {LIBRARY.name}, is of another version of Tonevault"
WAY_OUT: Final = "run scripts/setup, or `pip install` Tonevault again where there is a C compiler"

_KINDS: Final[dict[str, type[c_void_p | c_char_p | c_int32 | c_int64]]] = {
    "p": c_void_p,
    "b": c_char_p,
    "i": c_int32,
    "l": c_int64,
}

Function = Callable[..., int]
"""A function of the library. Addresses and counts in; what it gives back, if anything, is a count or a truth."""


class KernelError(RuntimeError):
    """The library is not there, or was compiled for another version of Tonevault. The message says which, and the way out."""

    def __init__(self, fault: str) -> None:
        super().__init__(f"{fault}; {WAY_OUT}")
        self.fault = fault


@cache
def _library() -> ctypes.CDLL:
    try:
        return ctypes.CDLL(str(LIBRARY))
    except OSError as error:
        raise KernelError(f"the compiled ear, {LIBRARY.name}, is missing or not for this machine") from error


@cache
def function(name: str, parameters: str) -> Function:
    """A function of the library by its name; a letter for each parameter: p for an address, b for bytes, i and l for whole numbers of 32
    and 64 bits. Raises KernelError."""
    try:
        found = _library()[name]
    except AttributeError as error:
        raise KernelError(_STALE) from error
    found.argtypes = [_KINDS[kind] for kind in parameters]
    found.restype = c_int32
    return found


@cache
def require(check: str, sizes: tuple[int, ...]) -> None:
    """Have the library say, by its function `check`, whether it was compiled for these sizes. Raises KernelError."""
    if not function(check, "pi")((c_int32 * len(sizes))(*sizes), len(sizes)):
        raise KernelError(_STALE)


def address(array: NDArray[np.generic] | ctypes.Structure) -> int:
    """Where an array's samples, or a table, lie. They must outlive its use. Raises ValueError where samples do not lie in a row."""
    if isinstance(array, ctypes.Structure):
        return ctypes.addressof(array)
    if not array.flags.c_contiguous:
        raise ValueError("array: its items must lie one after another; copy it")
    return array.ctypes.data
