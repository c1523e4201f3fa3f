"""Paging, backoff, budget and filters are said in the manifest, and not a second time in Python."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import astuple
from pathlib import Path
from typing import Any

import pytest

from unit_tests.conftest import ASKING, MANIFEST
from unit_tests.test_manifest_terms import components

PACKAGE = Path(__file__).parent.parent / "source_stripe"
WAYS = "names a way to page, as the engine calls it"
ANSWERS = "a field of v2's answers"
NOT_THESE = {
    ("catalog/stream_rows.py", "starting_after"): WAYS,
    ("catalog/manifest.py", "starting_after"): WAYS,
    ("catalog/asking.py", "starting_after"): WAYS,
    ("routes.py", "starting_after"): WAYS,
    ("catalog/asking.py", "limit"): "a key of the CDK's rates",
    ("api/account.py", 10): "seconds by which clocks may differ",
    ("api/account.py", 500): "the end of the statuses that begin with 4",
    ("api/policies.py", 600): "the end of all statuses",
    ("catalog/config.py", 100): "workers that a config may ask for",
    ("reading/frontier.py", 0.8): "the part of a list's workers that does",
    ("catalog/filters.py", 10): "lookup keys that Stripe takes at once",
    ("catalog/filters.py", 20): "types of events that Stripe takes at once",
    ("catalog/pushing.py", 20): "passes in which a list may be read",
    ("source.py", 20): "seconds that a user who waits for check has",
    ("api/pages.py", 100): "letters of a message",
    ("api/policies.py", 500): "the end of the statuses that begin with 4",
    ("api/rates.py", 0.5): "what a 429 leaves of a rate, and the least rate",
    ("api/rates.py", 100): "what one process can do at most, whatever Stripe allows",
    ("api/requester.py", 0.5): "half of a pause, which jitter leaves at least",
    ("objects/events.py", 600): "how late events show up, which lists of them say by themselves too",
    ("objects/events.py", 20): "types in a request for events",
    ("objects/covering.py", 10): "pages that one reader takes on",
    ("objects/covering.py", 20): "changes that are worth a look",
    ("reading/splitting.py", 100): "pages of a long list; and a page's gaps, of which a hundred is near enough",
    ("reading/batches.py", 100): "records that are handed over at once",
    ("api/refusals.py", 100): "ids in a state",
}
"""The same values with another meaning, and which."""


def declared() -> set[str | float]:
    """The names and numbers of the manifest that the engine takes from there."""
    patience, judged = ASKING.patience, ASKING.judged
    found: set[str | float] = {*astuple(patience), *judged.limited, *judged.passing, *ASKING.headers.values()}
    # What Stripe allows, and our share of it.
    found |= {100, 25, 20, 0.8, *ASKING.limits.exceptions}
    for paging in MANIFEST.paging.values():
        found |= set(paging.values())
    for _, node in components(MANIFEST.definitions):
        if node["type"] == "DatetimeBasedCursor":
            found |= {node[bound]["field_name"] for bound in ("start_time_option", "end_time_option")}
    found |= {row.overlap for row in MANIFEST.rows.values()} - {0}
    return found


def constants(path: Path) -> Iterator[tuple[Any, int]]:
    """What is written down in a module, but for its docstrings and comments: values and lines."""
    tree = ast.parse(path.read_text("utf-8"))
    told = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and id(node) not in told and not isinstance(node.value, bool):
            yield node.value, node.lineno


ROOMS = ("api", "objects", "reading", "declared", "catalog")
MODULES = [path for room in ROOMS for path in sorted((PACKAGE / room).glob("*.py"))] + [
    PACKAGE / name for name in ("routes.py", "streams.py", "source.py", "checking.py")
]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_what_the_manifest_says_stands_in_no_module(path: Path) -> None:
    module, said = str(path.relative_to(PACKAGE)), declared()
    again = [(value, line) for value, line in constants(path) if value in said and (module, value) not in NOT_THESE]

    assert again == []


def test_what_is_looked_for_is_what_the_manifest_says() -> None:
    assert declared() >= {"limit", "starting_after", "created[gte]", "created_before", "end_time", "Retry-After"}
    assert declared() >= {"2026-10-28.endive", "/v1/files", 429, 409, 503, 900, 180, 60, 0.5, 600, 100}


def test_each_exception_is_still_needed() -> None:
    there = {(str(path.relative_to(PACKAGE)), value) for path in MODULES for value, _ in constants(path)}

    assert NOT_THESE.keys() <= there
