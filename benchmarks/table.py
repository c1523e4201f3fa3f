"""Results as a table that stands alone: in a terminal, and in Markdown."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.measuring import Result

_COLUMNS = (
    "case",
    "program",
    "rows",
    "seconds",
    "first row",
    "rows/s",
    "CPU s",
    "rows/CPU s",
    "peak MB",
    "requests",
    "per page",
    "429",
    "emulator CPU s",
    "remarks",
)
_TEXTS = ("case", "program", "remarks")


def table(results: Sequence[Result]) -> str:
    """A Markdown table, its columns aligned."""
    rows = [_COLUMNS, *map(_row, results)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_COLUMNS))]
    rule = [
        "-" * width if name in _TEXTS else "-" * (width - 1) + ":" for name, width in zip(_COLUMNS, widths, strict=True)
    ]
    return "\n".join(_line(row, widths) for row in [_COLUMNS, rule, *rows[1:]])


def _row(result: Result) -> Sequence[str]:
    cost = result.cost
    return (
        f"({result.case.letter}) {result.case.title}",
        result.program,
        f"{result.rows:,}",
        f"{cost.wall:.1f}",
        f"{result.first_row:.1f}",
        f"{result.rows_per_second:,.0f}",
        f"{cost.cpu:.1f}",
        f"{result.rows_per_cpu_second:,.0f}",
        f"{cost.memory / 1e6:.0f}",
        f"{result.load.requests:,}",
        f"{result.requests_per_page:.2f}",
        f"{result.load.limited:,}",
        f"{result.load.cpu:.1f}",
        result.remarks,
    )


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = (
        cell.ljust(width) if name in _TEXTS else cell.rjust(width)
        for name, cell, width in zip(_COLUMNS, cells, widths, strict=True)
    )
    return f"| {' | '.join(padded)} |"
