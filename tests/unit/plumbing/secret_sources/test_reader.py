"""Secrets in files and variables: read whole, or refused with the way out."""

from pathlib import Path

import pytest

from tonevault.plumbing.secret_sources.reader import MAX_SECRET_BYTES, SecretReader
from tonevault.plumbing.secret_sources.reference import SecretReference, SecretUnavailableError

SECRET = "swordfish"


def read(text: str, environ: dict[str, str] | None = None) -> str:
    return SecretReader(environ or {}).read(SecretReference.parse(text)).get_secret_value()


def refusal(text: str, environ: dict[str, str] | None = None) -> str:
    with pytest.raises(SecretUnavailableError) as caught:
        read(text, environ)
    assert SECRET not in str(caught.value)
    return str(caught.value)


def test_a_file_without_its_last_line_break(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text(SECRET + "\n")
    assert read(f"file:{path}") == SECRET


def test_a_variable() -> None:
    assert read("env:KEY", {"KEY": SECRET}) == SECRET


def test_a_secret_shows_as_stars() -> None:
    assert SECRET not in repr(SecretReader({"KEY": SECRET}).read(SecretReference.parse("env:KEY")))


def test_what_is_not_there(tmp_path: Path) -> None:
    assert "names no file" in refusal(f"file:{tmp_path}")
    assert "not set" in refusal("env:KEY")
    assert "is empty" in refusal("env:KEY", {"KEY": ""})


def test_files_that_hold_no_secret(tmp_path: Path) -> None:
    path = tmp_path / "wrong"
    path.write_bytes(b"x" * (MAX_SECRET_BYTES + 1))
    assert "larger than" in refusal(f"file:{path}")
    path.write_bytes(b"\xff\xfe" + SECRET.encode())
    assert "UTF-8" in refusal(f"file:{path}")
    path.write_text(" \n")
    assert "is empty" in refusal(f"file:{path}")


def test_a_file_that_cannot_be_read() -> None:
    # A process's memory is a file whose first page nobody can read, not even root.
    assert "cannot be read" in refusal("file:/proc/self/mem")
