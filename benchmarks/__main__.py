"""python -m benchmarks: measures the connector, and prints one table."""

from __future__ import annotations

import argparse
import sys

from benchmarks import peers, report
from benchmarks.cases import CASES, Case
from benchmarks.measuring import Result, RunFailedError, measure
from benchmarks.programs import SOURCE_STRIPE
from benchmarks.table import table


def main() -> None:
    """Run the cases, one after the other. They want the machine to themselves."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=main.__doc__)
    letters = sorted({case.letter for case in CASES})
    parser.add_argument("--case", default=",".join(letters), help="which, by their letters: a,h (default: all)")
    parser.add_argument("--scale", type=float, default=1.0, help="so many times the rows: 0.1 for a quick look")
    parser.add_argument("--peers", action="store_true", help="case (a), in turn with other connectors")
    parser.add_argument("--write", action="store_true", help="put the table into benchmarks/RESULTS.md")
    options = parser.parse_args()
    chosen = options.case.split(",")
    if unknown := sorted(set(chosen) - set(letters)):
        parser.error(f"no case {', '.join(unknown)}; there are {', '.join(letters)}")

    if options.peers:
        title, parts = "With peers", peers.compare(options.scale)
    else:
        title, parts = (
            "Cases",
            [table(_measured([case.scaled(options.scale) for case in CASES if case.letter in chosen]))],
        )
    print(f"\n{report.circumstances()}\n")
    print("\n\n".join(parts))
    if options.write:
        report.write(title, [report.circumstances(), *parts])


def _measured(cases: list[Case]) -> list[Result]:
    SOURCE_STRIPE.prepare()
    results = []
    for case in cases:
        print(f"({case.letter}) {case.title}...", file=sys.stderr, flush=True)
        results.append(measure(case, SOURCE_STRIPE))
    return results


if __name__ == "__main__":
    try:
        main()
    except RunFailedError as failure:
        sys.exit(str(failure))
