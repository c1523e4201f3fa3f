"""Lay out what `make site` builds a site of: the pages, what they link to, and the generator's config.

Pages keep their places, so their links stay as they are. Files of the repository that a page links to come along; a
folder becomes a list of its files. Nothing is fetched when the site is read: it works from a disk, search included.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from tools.generate_docs import ROOT
from tools.generate_index import PARTS

_LINK = re.compile(r"\]\((?!\w+:|#)([^)\s#]+)")
_FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
_WORKER = ROOT / "tools" / "iframe-worker.js"
_CONFIG: Mapping[str, Any] = {
    "site_name": "source-stripe",
    "site_description": "Everything in a Stripe account, in your warehouse, and kept right",
    "docs_dir": "pages",
    "use_directory_urls": False,
    "theme": {
        "name": "material",
        # The reader's own: others would come from the network.
        "font": False,
        "features": ["navigation.indexes", "navigation.top", "toc.follow", "search.highlight", "content.code.copy"],
        "palette": [
            {"media": "(prefers-color-scheme: light)", "scheme": "default", "primary": "indigo"},
            {"media": "(prefers-color-scheme: dark)", "scheme": "slate", "primary": "indigo"},
        ],
    },
    "plugins": ["search", "offline"],
    "extra": {
        "generator": False,
        # Search from a disk needs it; the theme would load it from the network.
        "polyfills": [_WORKER.name],
    },
    "extra_css": ["site.css"],
    "markdown_extensions": [
        "tables",
        "md_in_html",
        "pymdownx.superfences",
        "pymdownx.highlight",
        {"pymdownx.tasklist": {"custom_checkbox": True}},
        {"toc": {"permalink": True, "toc_depth": 3}},
    ],
    "validation": {
        "omitted_files": "warn",
        "absolute_links": "warn",
        "unrecognized_links": "warn",
        "anchors": "warn",
    },
}
_CSS = """\
/* Columns keep a width that most names fit: a table that finds no room scrolls by itself. */
.md-grid { max-width: 76rem }
.md-typeset table:not([class]) th { min-width: 0 }
.md-typeset td { min-width: 5rem }
.md-typeset td:first-child { min-width: 9rem }
.md-typeset td:last-child:not(:nth-child(-n+3)) { min-width: 9rem }
.md-typeset td code { word-break: normal; overflow-wrap: anywhere }
.md-typeset img { max-width: 100%; height: auto }
"""


def main(arguments: list[str] | None = None) -> int:
    """Lay out; the exit code."""
    parser = argparse.ArgumentParser(prog="site", description="What a site is built of.")
    parser.add_argument("folder", type=Path, help="where; it is made anew")
    parser.add_argument("--to", type=Path, default=ROOT / "site", help="where the generator puts the site")
    options = parser.parse_args(arguments)
    shutil.rmtree(options.folder, ignore_errors=True)
    lay_out(ROOT, options.folder, options.to.absolute())
    return 0


def lay_out(root: Path, folder: Path, to: Path) -> None:
    """Put the pages of `root`, and what they link to, below `folder`, with the config of a site that goes `to`."""
    pages = {heading: [*_pages(root, patterns)] for heading, patterns in PARTS.items()}
    left = [path for part in pages.values() for path in part]
    lists: list[Path] = []
    done: set[Path] = set()
    while left:
        path = left.pop()
        if path in done or not path.exists():
            continue
        done.add(path)
        if path.is_dir():
            lists.append(path)
            left += [each for each in path.iterdir() if each.is_file()]
        else:
            left += _copied(path, root, folder / "pages")
    for each in lists:
        target = folder / "pages" / each.relative_to(root) / "index.md"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(_list_of(each, root), "utf-8")
    (folder / "pages" / "site.css").write_text(_CSS, "utf-8")
    shutil.copyfile(_WORKER, folder / "pages" / _WORKER.name)
    config = {**_CONFIG, "site_dir": str(to), "nav": [*_nav(pages, lists, root)]}
    (folder / "mkdocs.yml").write_text(yaml.safe_dump(config, sort_keys=False), "utf-8")


def as_page(text: str, where: Path) -> str:
    """A page's text as the generator takes it: what GitHub reads without being told."""
    text = text.replace("<details>", '<details markdown="1">')
    # A list right below a line of prose is one to GitHub only.
    text = re.sub(r"^((?![-*|>#\s]|\d+\. ).*\n)(?=[-*] |1\. )", r"\1\n", text, flags=re.MULTILINE)
    folders = {link for link in _links(text) if (where.parent / link).is_dir()}
    for link in folders:
        page = "README.md" if (where.parent / link / "README.md").exists() else "index.md"
        text = re.sub(rf"\]\({re.escape(link)}(?=[)#])", f"]({link.rstrip('/')}/{page}", text)
    return text


def _pages(root: Path, patterns: Iterable[str]) -> Iterator[Path]:
    for pattern in patterns:
        yield from sorted(root.glob(pattern), key=lambda path: (path.name != "README.md", path.name))


def _copied(path: Path, root: Path, pages: Path) -> list[Path]:
    """Copy a file; what it links to."""
    target = pages / path.relative_to(root)
    target.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix != ".md":
        shutil.copyfile(path, target)
        return []
    text = path.read_text("utf-8")
    target.write_text(as_page(text, path), "utf-8")
    return [Path(os.path.normpath(path.parent / link)) for link in _links(text)]


def _links(text: str) -> list[str]:
    return _LINK.findall(_FENCE.sub("", text))


def _list_of(folder: Path, root: Path) -> str:
    names = sorted(each.name for each in folder.iterdir() if each.is_file())
    return "\n".join([f"# {folder.relative_to(root)}", "", *(f"- [{name}]({name})" for name in names), ""])


def _nav(pages: Mapping[str, list[Path]], lists: list[Path], root: Path) -> Iterator[Any]:
    """The menu: the front page, and the parts of the index."""
    yield {"source-stripe": "README.md"}
    for heading, part in pages.items():
        yield {heading: [str(path.relative_to(root)) for path in part if path != root / "README.md"]}
    yield {"Folders": [str(each.relative_to(root) / "index.md") for each in sorted(lists)]}


if __name__ == "__main__":
    sys.exit(main())
