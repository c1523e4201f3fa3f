"""The rooms of source_stripe: what each may import. docs/design/README.md has the picture."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "source_stripe"
BELOW = {
    "process": (),
    "catalog": (),
    "api": ("process", "catalog"),
    "objects": ("process", "catalog", "api"),
    "declared": ("process", "catalog", "api", "objects"),
    "reading": ("process", "catalog", "api", "objects"),
    "accounts": ("process", "catalog", "api", "objects", "reading"),
    "wiring": ("process", "catalog", "api", "objects", "reading", "accounts"),
    "sql": ("process", "catalog", "api", "objects", "reading", "accounts", "wiring"),
    "run": ("process", "catalog", "api", "objects", "reading", "accounts", "wiring", "sql"),
}
"""By room: those below it. What stands in no folder is the wiring; `run.py`, the process, is on top of all."""
ALGORITHMS = {"covering", "events", "ledger", "masking", "paths", "ranges", "splitting", "state", "subjects", "values"}
"""Modules that have to stay pure."""
HEAVY = ("airbyte_cdk", "requests")


def modules(folder: Path) -> dict[str, Path]:
    """Files by dotted name."""
    return {".".join(path.relative_to(ROOT).with_suffix("").parts): path for path in sorted(folder.rglob("*.py"))}


def imported(path: Path) -> Iterator[str]:
    """What a module imports of this project's packages, by dotted name; inside of functions too."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield inner if inner in ALL else node.module
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def room(name: str) -> str:
    """The room of a module such as `source_stripe.api.pages`."""
    parts = name.split(".")
    if parts[1:] == ["run"]:
        return "run"
    return parts[1] if len(parts) > 2 and parts[1] in BELOW else "wiring"


ALL = modules(PACKAGE)
IMPORTS = {name: {each for each in imported(path) if each in ALL} for name, path in ALL.items()}
PURE = sorted(name for name, path in ALL.items() if "Pure" in (ast.get_docstring(ast.parse(path.read_text())) or ""))


@pytest.mark.parametrize("name", [name for name in ALL if not name.endswith("__init__")])
def test_a_module_imports_from_its_own_room_and_those_below(name: str) -> None:
    allowed = {room(name), *BELOW[room(name)]}
    assert {each for each in IMPORTS[name] if room(each) not in allowed} == set()


def test_no_module_imports_itself_by_way_of_others() -> None:
    left = dict(IMPORTS)
    while leaves := {name for name, uses in left.items() if not uses & left.keys()}:
        left = {name: uses for name, uses in left.items() if name not in leaves}
    assert sorted(left) == []


def test_every_folder_is_a_room() -> None:
    folders = {path.parent.name for path in PACKAGE.rglob("*.py")} - {"source_stripe"}
    assert folders == BELOW.keys() - {"wiring", "run"}


def test_what_calls_itself_pure_loads_neither_the_cdk_nor_requests() -> None:
    assert {name.split(".")[-1] for name in PURE} >= ALGORITHMS
    lines = "\n".join(f"import {name}" for name in PURE)
    script = f"{lines}\nimport sys\nprint([name for name in {HEAVY} if name in sys.modules])"
    loaded = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S603
    assert loaded.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("folder", "others"),
    [
        ("source_stripe", {"stripe_emulator", "integration_tests", "unit_tests", "tools", "benchmarks"}),
        ("stripe_emulator", {"source_stripe", "integration_tests", "unit_tests", "benchmarks"}),
    ],
)
def test_products_import_nothing_of_their_tests_and_of_each_other(folder: str, others: set[str]) -> None:
    for name, path in modules(ROOT / folder).items():
        assert {each.split(".")[0] for each in imported(path)} & others == set(), name


def test_no_file_is_longer_than_four_hundred_lines() -> None:
    folders = ("source_stripe", "stripe_emulator", "unit_tests", "integration_tests", "tools", "benchmarks")
    files = [path for folder in folders for path in (ROOT / folder).rglob("*.py") if ".peers" not in path.parts]
    assert len(files) > 200
    assert [str(path) for path in files if len(path.read_text("utf-8").splitlines()) > 400] == []
