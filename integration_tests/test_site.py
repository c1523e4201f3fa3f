"""`make site` builds a site without a dead link, which asks nothing of the network when it is read."""

from __future__ import annotations

import os
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from tools.generate_docs import ROOT
from tools.site import as_page, lay_out

_BUILDER = ROOT / ".venv-site" / "bin" / "mkdocs"


class _Page(HTMLParser):
    """What a page links to and loads, and its anchors."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.anchors: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.anchors |= {given[name] for name in ("id", "name") if name in given}
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        elif tag == "link" and given.get("rel") in ("stylesheet", "icon", "preconnect", "preload"):
            self.loaded.append(given["href"])
        elif "src" in given:
            self.loaded.append(given["src"])


@pytest.fixture(scope="module")
def builder() -> Path:
    """The generator. It is fetched by pip; where that can't be, as in a sandbox, these tests are skipped."""
    made = subprocess.run(["make", ".venv-site/.installed"], cwd=ROOT, capture_output=True, text=True, check=False)
    if made.returncode and not os.environ.get("CI"):
        pytest.skip(f"the generator can't be had: {made.stderr[-200:]}")
    assert made.returncode == 0, made.stderr
    return _BUILDER


def built(builder: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    """Build what is laid out in a folder."""
    command = [str(builder), "build", "--strict", "--config-file", str(folder / "mkdocs.yml")]
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment, timeout=300)


@pytest.fixture(scope="module")
def site(builder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built as `make site` does."""
    folder = tmp_path_factory.mktemp("laid_out")
    lay_out(ROOT, folder, folder / "site")
    done = built(builder, folder)
    assert done.returncode == 0, done.stderr
    return folder / "site"


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, _Page]:
    return {path: _Page(path.read_text("utf-8")) for path in site.rglob("*.html") if path.name != "404.html"}


def test_every_page_is_there(site: Path, pages: dict[Path, _Page]) -> None:
    for page in (ROOT / "docs").rglob("*.md"):
        name = page.relative_to(ROOT).with_suffix(".html")
        assert site / (name.parent / "index.html" if name.stem == "README" else name) in pages
    assert site / "index.html" in pages


def test_no_link_is_dead(pages: dict[Path, _Page]) -> None:
    dead = []
    for path, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme in ("http", "https"):
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path not in ("", ".") else path
            if target.is_dir():
                target /= "index.html"
            anchor = unquote(parts.fragment)
            if not target.is_file() or (anchor and target in pages and anchor not in pages[target].anchors):
                dead.append((path.name, link))
    assert dead == []


def test_nothing_is_loaded_from_the_network(site: Path, pages: dict[Path, _Page]) -> None:
    for path, page in pages.items():
        for address in page.loaded:
            assert urlsplit(address).scheme in ("", "data"), (path, address)
            if not address.startswith("data:"):
                assert (path.parent / unquote(urlsplit(address).path)).is_file(), (path, address)
    for sheet in site.rglob("*.css"):
        assert "url(http" not in sheet.read_text("utf-8")


def test_search_works_from_a_disk(site: Path) -> None:
    index = (site / "search" / "search_index.js").read_text("utf-8")
    assert "payout_balance_transactions" in index
    assert "connected-accounts.html#turn-it-on" in index


def test_what_a_page_folds_is_no_raw_text(site: Path) -> None:
    streams = (site / "docs" / "streams.html").read_text("utf-8")
    assert "| --- |" not in streams
    assert streams.count("<details") == streams.count("<summary")
    assert (site / "docs" / "permissions.html").read_text("utf-8").count('type="checkbox"') > 10


@pytest.mark.parametrize("link", ["gone.md", "two.md#gone", "gone.py"])
def test_a_link_that_leads_nowhere_fails_it(builder: Path, tmp_path: Path, link: str) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "README.md").write_text("# Top\n\n[All](docs/README.md)\n", "utf-8")
    (tmp_path / "docs" / "README.md").write_text("# All\n\nPages: [one](one.md), [two](two.md).\n", "utf-8")
    (tmp_path / "docs" / "two.md").write_text("# Two\n\nWords.\n", "utf-8")
    one = tmp_path / "docs" / "one.md"
    codes = []
    for target in ("two.md", link):
        one.write_text(f"# One\n\n[There]({target}).\n", "utf-8")
        folder = tmp_path / "laid_out"
        lay_out(tmp_path, folder, folder / "site")
        codes.append(built(builder, folder).returncode)
    assert codes == [0, 1]


def test_pages_are_told_what_github_knows(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    text = "Words:\n- one\n- two\n\n[here](folder) <details>\n"
    assert as_page(text, tmp_path / "page.md") == (
        'Words:\n\n- one\n- two\n\n[here](folder/index.md) <details markdown="1">\n'
    )
