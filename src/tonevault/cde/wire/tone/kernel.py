"""The compiled loops of the ear and the mask, `c/*.c`. It refuses memory that does not lie in a row."""

import ctypes
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tonevault.kernel.compiled import Compiled

EAR: Final = Compiled(Path(__file__).with_name("libear.so"), "the compiled loops of the ear")


def address(array: NDArray[np.generic] | ctypes.Structure) -> int:
    """Where an array's samples, or a table, lie. They must outlive its use. Raises ValueError where samples do not lie in a row."""
    if isinstance(array, ctypes.Structure):
        return ctypes.addressof(array)
    if not array.flags.c_contiguous:
        raise ValueError("array: its items must lie one after another; copy it")
    return array.ctypes.data
