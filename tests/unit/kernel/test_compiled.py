"""A library is refused where it is missing or of another version, and what is said of it names the way out."""

from pathlib import Path

import pytest

from tonevault.cde.wire.tone.kernel import EAR
from tonevault.kernel.compiled import WAY_OUT, Compiled, CompiledError


def test_a_library_that_is_missing_is_named_with_the_way_out(tmp_path: Path) -> None:
    library = Compiled(tmp_path / "libloops.so", "the loops")
    with pytest.raises(CompiledError) as refused:
        library.function("any", "p")
    assert refused.value.fault == "the loops, libloops.so, are missing or not for this machine"
    assert str(refused.value).endswith(WAY_OUT)


def test_what_is_no_library_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "libloops.so"
    path.write_bytes(b"no library")
    with pytest.raises(CompiledError, match="not for this machine"):
        Compiled(path, "the loops").require("loops_fit", (1,))


def test_a_library_of_another_version_is_refused() -> None:
    library = Compiled(EAR.path, "the loops")
    for _ in range(2):
        with pytest.raises(CompiledError, match="another version"):
            library.require("look_fits", (1, 2, 3))
    with pytest.raises(CompiledError, match="another version"):
        library.function("what_it_does_not_have", "p")
