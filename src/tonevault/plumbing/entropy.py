"""Randomness from the operating system, in the shape that pure code takes as an argument."""

import secrets

from tonevault.kernel.ids import Entropy

SYSTEM_ENTROPY: Entropy = secrets.randbelow
"""Uniform integers below the argument, from the kernel's generator."""
