"""docs/design is about this code: constants have their paragraphs, names are there, and all links lead somewhere."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from unit_tests.tuning import CONSTANTS

ROOT = Path(__file__).parent.parent
DESIGN = ROOT / "docs" / "design"
NO_TUNING = {
    "_DAY": "a unit",
    "_SECOND": "a unit",
    "_NEVER": "stands for nothing",
    "_M_ARENA_MAX": "glibc's",
    "_LAST_PORT": "TCP's",
    "DEEPEST": "Stripe's",
    "A_PAGE": "Stripe's",
    "INTERRUPTED": "the shell's",
    "RETENTION": "Stripe's",
    "TYPES_A_REQUEST": "Stripe's",
    "_MOST_ACCEPTED": "Airbyte's",
    "_SHOWN": "letters or names in a message",
    "_NAMED": "names in a message",
    "_NAMES": "names in a message",
    "_REASONS": "reasons in a message",
    "_LETTERS": "letters in a message",
}
"""Numbers that are others', or only about how much a message tells: and why."""

OF_OTHERS = {
    "AddFields",
    "ConcurrentCursor.observe",
    "DpathExtractor",
    "SourceTestSuiteBase",
    "StateDelegatingStream",
}
"""Names of the CDK's, and of HTTP, that the pages use and the code does not."""


@dataclass(frozen=True)
class Constant:
    """A module's constant, and the string below it."""

    module: str
    name: str
    told: str


def constants() -> Iterator[Constant]:
    """All numbers that stand in modules, by names in capitals."""
    for path in sorted((ROOT / "source_stripe").rglob("*.py")):
        body = ast.parse(path.read_text("utf-8")).body
        for node, below in zip(body, [*body[1:], None], strict=True):
            name, value = _assigned(node)
            if re.fullmatch(r"_?[A-Z][A-Z0-9_]*", name) and value is not None and _is_number(value):
                yield Constant(str(path.relative_to(ROOT)), name, " ".join(_text(below).split()))


def _assigned(node: ast.stmt) -> tuple[str, ast.expr | None]:
    if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
        return node.targets[0].id, node.value
    if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
        return node.target.id, node.value
    return "", None


def _is_number(node: ast.expr) -> bool:
    if isinstance(node, ast.Tuple):
        return bool(node.elts) and all(map(_is_number, node.elts))
    if isinstance(node, ast.BinOp):
        return _is_number(node.left) or _is_number(node.right)
    if isinstance(node, ast.UnaryOp):
        return _is_number(node.operand)
    return isinstance(node, ast.Constant) and type(node.value) in (int, float)


def _text(node: ast.stmt | None) -> str:
    """The string that a statement is, if it is one."""
    value = node.value if isinstance(node, ast.Expr) else None
    return str(value.value) if isinstance(value, ast.Constant) else ""


def headings(page: Path) -> dict[str, str]:
    """The text below each heading of a page."""
    parts = re.split(r"^#+ (.+)$", page.read_text("utf-8"), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def anchor(heading: str) -> str:
    """What a link to a heading ends in, as GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


ALL = list(constants())
PAGES = sorted(path for path in ROOT.glob("**/*.md") if not any(part.startswith(".") for part in path.parts))


def test_the_numbers_are_found() -> None:
    assert {"_FORESIGHT", "OVERLAP", "_COLLECT", "TRUSTED", "_GAPS", "_SECOND"} <= {each.name for each in ALL}
    assert {each.name for each in ALL} >= NO_TUNING.keys()


@pytest.mark.parametrize("constant", ALL, ids=lambda each: f"{each.module}:{each.name}")
def test_a_number_is_explained_below_it_and_what_is_tuned_in_the_paragraph_that_it_names(constant: Constant) -> None:
    assert constant.told, "a string below it says what it is"
    if constant.name in NO_TUNING:
        return
    named = re.search(r'docs/design/([\w-]+\.md), "(.+?)"\.', constant.told)
    assert named, "the string names its page and heading in docs/design"
    assert f"`{constant.name}`" in headings(DESIGN / named[1])[named[2]]


def test_what_is_tried_in_simulated_time_stands_in_the_docs() -> None:
    told = {constant.name for constant in ALL if "docs/design/" in constant.told}
    assert {name for _, name in CONSTANTS} <= told


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text("utf-8"), flags=re.DOTALL)
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"\w+:", link):
            continue
        name, _, place = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        assert target.exists(), link
        if place:
            assert place in {anchor(heading) for heading in headings(target)}, link


def names_in(text: str) -> set[str]:
    """Files, classes and functions that a page names in backticks."""
    quoted = re.findall(r"`([^`\n]+)`", text)
    return {
        each for each in quoted if re.fullmatch(r"[\w/-]+\.(py|json|yaml|toml|md)|_?[A-Z]\w*[a-z]\w*(\.\w+)?", each)
    }


@pytest.mark.parametrize("page", sorted(DESIGN.glob("*.md")), ids=lambda page: page.name)
def test_what_a_page_names_is_there(page: Path) -> None:
    files = {str(path.relative_to(ROOT)) for path in ROOT.glob("*/**/*.*") if ".venv" not in path.parts}
    texts = [*(ROOT / "source_stripe").rglob("*.py"), ROOT / "manifest.yaml"]
    code = "\n".join(path.read_text("utf-8") for path in texts)
    missing = []
    for name in names_in(page.read_text("utf-8")):
        if re.search(r"\.\w+$", name) and name.rpartition(".")[2] in ("py", "json", "yaml", "toml", "md"):
            there = (ROOT / name).exists() or any(f"/{file}".endswith(f"/{name}") for file in files)
        else:
            there = all(re.search(rf"\b{part}\b", code) for part in name.split("."))
        if not there and name not in OF_OTHERS:
            missing.append(name)
    assert missing == []
