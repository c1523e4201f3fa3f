"""A table for people: fitted to a terminal, with nothing in it that a terminal obeys."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from itertools import chain
from typing import Any, Protocol

from prompt_toolkit.utils import get_cwidth

from source_stripe.sql.answers import Answer

_WIDEST = 60
"""Letters of a column at most, where a line has a limit. See docs/design/sql.md, "Output"."""
_NARROWEST = 12
"""Letters that a column is not made narrower than: others are left out instead. See docs/design/sql.md, "Output"."""
_BETWEEN = "  "


class Lines(Protocol):
    """Takes lines of text, each by itself."""

    def write(self, text: str, /) -> int: ...


def write_table(answer: Answer, file: Lines, width: int | None) -> int:
    """Write an answer; returns how many rows it had. The first thousand decide how wide the columns are."""
    names, batches = answer.columns, answer.batches()
    first = next(batches, [])
    cells = [[shown(value) for value in row] for row in first]
    natural = [max(map(get_cwidth, (name, *column))) for name, *column in _columns(names, cells)]
    widths = natural if width is None else fitted(natural, width)
    right = [
        all(isinstance(value, int | float | Decimal | None) for value in column) for column in _values(names, first)
    ]
    kept = len(widths)
    file.write(_line(names, widths, [False] * kept))
    file.write(_BETWEEN.join("-" * each for each in widths) + "\n")
    rows = 0
    for row in chain(cells, ([shown(value) for value in row] for batch in batches for row in batch)):
        file.write(_line(row, widths, right))
        rows += 1
    if kept < len(names):
        left = names[kept:]
        more = ", ".join(left[:8]) + (", ..." if len(left) > 8 else "")
        file.write(f"... and {len(left)} more columns: {more}. Name the columns, or take --format csv.\n")
    return rows


def fitted(natural: Sequence[int], width: int) -> list[int]:
    """How wide columns are on lines of so many letters; those that find no room are left out, from the right.

    The first one, mostly an id, is of use only whole: it may take half of the line.
    """
    widths = [min(each, _WIDEST) for each in natural]
    if _total(widths) > width and len(widths) > 1:
        widths[0] = min(widths[0], max(width // 2, _NARROWEST))
    while _total(widths) > width:
        first, widths = widths[0], widths[1:]
        widest = max(widths, default=0)
        if widest > _NARROWEST:
            second = max((each for each in widths if each < widest), default=_NARROWEST)
            too_much = _total([first, *widths]) - width
            share = -(-too_much // widths.count(widest))
            less = max(second, _NARROWEST, widest - share)
            widths = [less if each == widest else each for each in widths]
        elif widths:
            widths.pop()
        else:
            return [max(min(first, width), 1)]
        widths = [first, *widths]
    return widths


def shown(value: Any) -> str:
    """A value on one line."""
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime):
        text = value.isoformat(sep=" ")
    elif isinstance(value, dict | list):
        text = json.dumps(value, ensure_ascii=False, default=str)
    else:
        text = str(value)
    return (
        text
        if text.isprintable()
        else "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in text)
    )


def _total(widths: Sequence[int]) -> int:
    return sum(widths) + len(_BETWEEN) * (len(widths) - 1)


def _columns(names: Sequence[str], cells: Sequence[Sequence[str]]) -> Iterator[tuple[str, ...]]:
    return zip(names, *cells, strict=True)


def _values(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> list[list[Any]]:
    return [[row[place] for row in rows] for place in range(len(names))]


def _line(cells: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> str:
    shown_ones = zip(cells, widths, right, strict=False)
    return _BETWEEN.join(_cell(text, width, to_right) for text, width, to_right in shown_ones).rstrip() + "\n"


def _cell(text: str, width: int, to_right: bool) -> str:
    if get_cwidth(text) > width:
        while text and get_cwidth(text) > width - 1:
            text = text[: -max(1, (get_cwidth(text) - width) // 2)]
        text += "\N{HORIZONTAL ELLIPSIS}"
    padding = " " * (width - get_cwidth(text))
    return padding + text if to_right else text + padding
