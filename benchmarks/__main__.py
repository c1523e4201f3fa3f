"""python -m benchmarks: measures the connector, and prints one table."""

from __future__ import annotations

import argparse
import sys

from benchmarks import peers, report
from benchmarks.cases import CASES
from benchmarks.measuring import measure_all
from benchmarks.programs import SOURCE_STRIPE
from benchmarks.table import table


def main() -> int:
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
        title, parts, failures = "With peers", *peers.compare(options.scale)
    else:
        cases = [case.scaled(options.scale) for case in CASES if case.letter in chosen]
        SOURCE_STRIPE.prepare()
        results, failures = measure_all((case, SOURCE_STRIPE) for case in cases)
        title, parts = "Cases", [table(results)]
    print("\n\n".join(["", report.circumstances(), *parts]))
    if failures:
        print("\n\n".join(["", *failures]), file=sys.stderr)
    elif options.write:
        report.write(title, [report.circumstances(), *parts])
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
