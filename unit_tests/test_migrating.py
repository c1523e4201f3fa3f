"""docs/migrating.md tells of fields that moved: what it says is in the schemas."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from source_stripe.catalog.package_files import resource
from tools.generate_docs import ROOT

_NAMES = re.compile(r"`([a-z_.]+)`")


def moves() -> Iterator[tuple[str, list[str], list[str]]]:
    """Of each line of the table, for each of its streams: the old fields, and where they are now."""
    for line in (ROOT / "docs" / "migrating.md").read_text("utf-8").splitlines():
        if line.startswith("| `"):
            streams, was, now = (_NAMES.findall(cell) for cell in line.strip("| ").split(" | "))
            for stream in streams:
                yield stream, was, now


def is_declared(stream: str, path: str) -> bool:
    schema: Any = json.loads(resource(f"schemas/{stream}.json").read_text("utf-8"))
    for name in path.split("."):
        schema = schema.get("items", schema)
        schema = schema.get("properties", {}).get(name)
        if schema is None:
            return False
    return True


@pytest.mark.parametrize(("stream", "was", "now"), [*moves()])
def test_what_moved_is_where_the_page_says(stream: str, was: list[str], now: list[str]) -> None:
    assert was
    assert not [path for path in was if is_declared(stream, path)]
    first, *_ = now
    if first == "invoice_payments":
        assert is_declared("invoice_payments", f"payment.{stream.removesuffix('s')}")
        return
    # In brackets stand values and streams.
    assert [path for path in now if path not in {"paid", "prices", "coupons"} and not is_declared(stream, path)] == []


def test_the_page_has_the_table() -> None:
    assert len(list(moves())) > 20
