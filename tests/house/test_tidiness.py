"""The house rules that a machine can see: file lengths, opening lines, names, and pages that agree with the tree."""

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MAX_LINES = 400
FORBIDDEN_NAMES = {"utils", "util", "helpers", "helper", "misc", "common", "base", "manager", "stuff"}


def tracked(*endings: str) -> list[Path]:
    """Files that git knows or would add, by their endings."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
        text=True,
    ).stdout
    names = [name for name in listing.split("\0") if name]
    return [
        ROOT / name for name in names if (not endings or name.endswith(endings)) and (ROOT / name).is_file()
    ]


def relative(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_the_tree_is_seen() -> None:
    assert len(tracked(".py")) > 50


@pytest.mark.parametrize(
    "path", [p for p in tracked(".py", ".js", ".css", ".html") if "vendor" not in p.parts], ids=relative
)
def test_files_are_short(path: Path) -> None:
    lines = path.read_text().count("\n")
    assert lines <= MAX_LINES, f"{relative(path)} has {lines} lines; split it by concept (limit {MAX_LINES})"


@pytest.mark.parametrize("path", [p for p in tracked(".py") if "src" in p.parts], ids=relative)
def test_modules_open_with_what_they_own(path: Path) -> None:
    docstring = ast.get_docstring(ast.parse(path.read_text()))
    assert docstring, f"{relative(path)} must open with a docstring: what it owns, what it refuses"


@pytest.mark.parametrize("path", tracked(".py"), ids=relative)
def test_files_are_named_by_their_noun(path: Path) -> None:
    assert path.stem not in FORBIDDEN_NAMES, f"{relative(path)}: name the file by the concept it owns"


def test_nothing_is_left_to_do() -> None:
    marker = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
    left = [
        f"{relative(path)}:{number}"
        for path in tracked(".py", ".js", ".html", ".css", ".md", ".sh")
        if "vendor" not in path.parts and path != Path(__file__)
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if marker.search(line)
    ]
    assert left == []


def test_architecture_names_every_room() -> None:
    page = (ROOT / "ARCHITECTURE.md").read_text()
    named = set(re.findall(r"^\| `([a-z_/]+)/` \|", page, flags=re.MULTILINE))
    package = ROOT / "src" / "tonevault"
    rooms = {p.parent.relative_to(package).as_posix() for p in package.rglob("__init__.py")}
    shallow = {room for room in rooms if room != "." and room.count("/") <= 1}
    assert named == shallow, f"missing on the page: {shallow - named}; not in the tree: {named - shallow}"


def test_every_decision_has_its_three_parts() -> None:
    pages = sorted((ROOT / "docs" / "decisions").glob("*.md"))
    assert pages
    for number, page in enumerate(pages, 1):
        text = page.read_text()
        assert page.name.startswith(f"{number:04d}-"), f"{page.name}: numbers run without gaps"
        for part in ("## Context", "## Decision", "## Consequences"):
            assert part in text, f"{page.name} lacks {part}"


def test_links_between_pages_lead_somewhere() -> None:
    link = re.compile(r"\]\((?!https?:|mailto:|#)([^)#\s]+)")
    broken = [
        f"{relative(page)} -> {target}"
        for page in tracked(".md")
        for target in link.findall(page.read_text())
        if not (page.parent / target).exists()
    ]
    assert broken == []
