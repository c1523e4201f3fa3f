"""Write docs/llms.txt, an index of all pages that a person and a program can read (https://llmstxt.org).

What a page is about stands in the list of docs/README.md or docs/design/README.md, else in its first sentence.
With --check nothing is written: the exit code says whether it is up to date.
"""

import os
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from tools.generate_docs import ROOT, parser_of, write

_INTRO = """\
# source-stripe

> Everything in a Stripe account, in a warehouse, and kept right: an Airbyte source, with SQL without a sync.

Begin with README.md, setup.md and faq.md. A page of streams has, for each, its columns, how it joins and a query.
"""
PARTS = {
    "Using it": ("docs/*.md",),
    "Streams, by group": ("docs/streams/*.md",),
    "How it works inside": ("docs/design/*.md",),
    "Beside that": (
        "README.md",
        "CHANGELOG.md",
        "CONTRIBUTING.md",
        "SECURITY.md",
        "benchmarks/RESULTS.md",
        "stripe_emulator/README.md",
    ),
}
"""What there is to read: by heading, the pages."""
_LISTED = re.compile(r"^- \[[^]]+\]\(([^)#]+)\): ((?:.+\n)(?:  .+\n)*)", re.MULTILINE)


def main(arguments: list[str] | None = None) -> int:
    """Generate or check; the exit code."""
    parser = parser_of("generate_index", "An index of all pages.", ROOT / "docs" / "llms.txt")
    options = parser.parse_args(arguments)
    return write(options.page, index(ROOT), check=options.check)


def index(root: Path) -> str:
    """The index of the pages below a folder."""
    told = dict(_told(root.glob("docs/**/README.md")))
    lines = [_INTRO]
    for heading, patterns in PARTS.items():
        lines.append(f"## {heading}\n")
        for path in (path for pattern in patterns for path in sorted(root.glob(pattern))):
            text = path.read_text("utf-8")
            address = os.path.relpath(path, root / "docs")
            lines.append(f"- [{_title(text)}]({address}): {told.get(path.resolve()) or _first_sentence(text)}")
        lines.append("")
    return "\n".join(lines)


def _told(lists: Iterable[Path]) -> Iterator[tuple[Path, str]]:
    """What the lists of pages say of each."""
    for page in lists:
        for link, said in _LISTED.findall(page.read_text("utf-8")):
            yield (page.parent / link).resolve(), _plain(said)


def _title(text: str) -> str:
    return _plain(text.partition("\n")[0].removeprefix("# "))


def _first_sentence(text: str) -> str:
    """That of the first paragraph below the title that is prose."""
    prose = (each for each in text.split("\n\n")[1:] if re.match(r"[\w\[`*]", each) and not each.startswith("!["))
    return re.split(r"(?<=[.?])\s", _plain(next(prose)), maxsplit=1)[0]


def _plain(text: str) -> str:
    """Words alone, in one line."""
    return " ".join(re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", text).replace("`", "").replace("*", "").split())


if __name__ == "__main__":
    sys.exit(main())
