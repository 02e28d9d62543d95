"""Builds the compiled loops of the ear and of the relay beside the modules that load them by ctypes. What else is to be built,
pyproject.toml says."""

from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.build_ext import build_ext

CARD_ZONE = Path("src/tonevault/cde")


class SharedLibrary(build_ext):
    """A library for ctypes, which knows nothing of Python: its name tells no version of it."""

    def get_ext_filename(self, fullname: str) -> str:
        """Where the library goes."""
        return str(Path(*fullname.split("."))) + ".so"


class Wheel(bdist_wheel):
    """One wheel for every Python of a platform."""

    def get_tag(self) -> tuple[str, str, str]:
        """Any Python 3, no binary interface of it, this platform."""
        return "py3", "none", super().get_tag()[2]


def library(name: str, sources: Path) -> Extension:
    """All C files of a folder as one library."""
    return Extension(
        name,
        sources=sorted(map(str, sources.glob("*.c"))),
        depends=sorted(map(str, sources.glob("*.h"))),
        # Never -ffast-math: sums keep their order, so that every build hears alike.
        extra_compile_args=["-O3", "-std=c11", "-Wall", "-Wextra"],
        libraries=["m"],
    )


setup(
    ext_modules=[
        library("tonevault.cde.wire.tone.libear", CARD_ZONE / "wire/tone/c"),
        library("tonevault.cde.edge.relay.liblanes", CARD_ZONE / "edge/relay/c"),
    ],
    cmdclass={"build_ext": SharedLibrary, "bdist_wheel": Wheel},
)
