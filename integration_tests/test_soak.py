"""The soak: a short one, and that it tells when something is wrong."""

from __future__ import annotations

from dataclasses import replace

import orjson
import pytest

from integration_tests import soak
from integration_tests.soak import Figures, Plan
from stripe_emulator.faults import Fault, Reply

_SHORT = Plan(seed=7, syncs=3, share=0.1, changes_before=300, changes_between=30)


def test_three_syncs_of_a_changing_account_with_a_fault_in_every_tenth_request() -> None:
    figures = soak.soak(_SHORT)

    assert figures.faults.total() > figures.requests / 20
    assert figures.rows > 300
    assert [peak > 10_000 for peak in figures.peaks] == [True] * 3


def test_a_page_that_lacks_a_row_fails_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def without_its_last_row(reply: Reply, _query: str) -> Reply:
        body = orjson.loads(reply.body)
        if isinstance(body.get("data"), list):
            body["data"] = body["data"][:-1]
        return replace(reply, body=orjson.dumps(body))

    monkeypatch.setattr(soak, "PASSING", [Fault("lost row", reply=without_its_last_row)])
    monkeypatch.setattr(soak, "FATAL", [])

    with pytest.raises(AssertionError, match="is missing"):
        soak.soak(replace(_SHORT, share=1.0))


def test_syncs_that_take_more_and_more_memory_are_told() -> None:
    assert Figures(peaks=[100_000] * 20).grew() == 1.0
    assert Figures(peaks=[100_000] * 10 + [130_000] * 30 + [150_000] * 10).grew() == 1.5
