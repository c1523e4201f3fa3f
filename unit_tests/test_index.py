"""docs/llms.txt names every page, and so do the lists of pages that people read."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tools.generate_docs import ROOT
from tools.generate_index import index, main

DOCS = ROOT / "docs"
PAGES = {path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md")}
INDEX = (DOCS / "llms.txt").read_text("utf-8")


def linked(text: str) -> set[str]:
    return {link.partition("#")[0] for link in re.findall(r"\]\(([^)\s]+)\)", text)}


def test_the_index_is_up_to_date() -> None:
    assert main(["--check"]) == 0


def test_check_says_what_is_not_right_and_leaves_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--check", "--page", str(tmp_path / "llms.txt")]) == 1
    assert [*tmp_path.iterdir()] == []
    assert capsys.readouterr().out == "llms.txt: missing\n"


def test_no_page_is_missing() -> None:
    assert PAGES - linked(INDEX) == set()
    for link in linked(INDEX):
        assert (DOCS / link).is_file(), link


def test_each_page_has_a_sentence() -> None:
    lines = [line for line in INDEX.splitlines() if line.startswith("- ")]
    assert len(lines) >= len(PAGES)
    for line in lines:
        assert re.fullmatch(r"- \[[^]]{3,}\]\([^)]+\): .{20,}", line), line


@pytest.mark.parametrize("folder", ["", "design/"])
def test_the_list_of_a_folder_has_all_its_pages(folder: str) -> None:
    beside = {page for page in PAGES if page.rpartition("/")[0] == folder.rstrip("/")} - {f"{folder}README.md"}
    listed = {f"{folder}{link}" for link in linked((DOCS / folder / "README.md").read_text("utf-8"))}
    assert beside - listed == set()


def test_the_faq_has_twenty_questions_that_each_lead_somewhere() -> None:
    asked = re.findall(r"^### (.+)\n\n((?:(?!#).*\n)+)", (DOCS / "faq.md").read_text("utf-8"), re.MULTILINE)
    assert len(asked) == 20
    for question, answer in asked:
        assert question.endswith("?")
        assert linked(answer)


def test_what_no_list_tells_is_told_by_the_page_itself(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    listed = "- [one](one.md): the\n  [first](x.md) `one`.\n"
    (tmp_path / "docs" / "README.md").write_text(f"# All\n\nPages.\n\n{listed}", "utf-8")
    (tmp_path / "docs" / "one.md").write_text("# One\n\nOther words.\n", "utf-8")
    (tmp_path / "docs" / "two.md").write_text("# Two\n\n<!-- Made. -->\n\nSecond *of* all. More.\n", "utf-8")
    lines = index(tmp_path).splitlines()
    assert "- [One](one.md): the first one." in lines
    assert "- [Two](two.md): Second of all." in lines
