"""Going on from a saved state with another key, start date or clock, and which of two clocks counts."""

from __future__ import annotations

from typing import Any

import pytest

from source_stripe.api.account import Account, earlier_of
from source_stripe.reading.resuming import OtherData, resume
from source_stripe.reading.state import ReadWith, StreamState

NOW = 1_763_800_000
DAY = 86_400
TEST = ReadWith(live=False)


def resumed(saved: dict[str, Any], *, account: str = "acct_1", setting: ReadWith = TEST) -> StreamState:
    return resume(saved, "charges", "updated", Account(account, "", None, NOW), setting)


def saved(**read_with: Any) -> dict[str, Any]:
    return {"updated": NOW - 60, "read_with": read_with}


@pytest.mark.parametrize(
    ("state", "account", "setting", "names"),
    [
        (saved(account="acct_1", live=False), "acct_2", TEST, ["acct_1", "acct_2"]),
        # A key that may not read its account, and a config that names it.
        (saved(account="acct_1"), "", ReadWith("acct_2", False), ["acct_1", "acct_2"]),
        (saved(account="acct_1", live=True), "acct_1", TEST, ["live data", "test data"]),
        (saved(live=False), "", ReadWith(live=True), ["test data", "live data"]),
        # Of a stream under way as well.
        (
            saved(account="acct_1") | {"backfill": {"start": 0, "cutoff": NOW - 60, "done": []}},
            "acct_2",
            TEST,
            ["acct_1", "acct_2"],
        ),
    ],
)
def test_a_state_of_other_data_is_refused(
    state: dict[str, Any], account: str, setting: ReadWith, names: list[str]
) -> None:
    with pytest.raises(OtherData) as refused:
        resumed(state, account=account, setting=setting)

    message = str(refused.value)
    assert all(name in message for name in names)
    assert "charges" not in message  # it is the same for all streams
    assert "reset the stream" in message


@pytest.mark.parametrize(
    ("state", "account", "setting", "read_with"),
    [
        # What is not known is no contradiction, and what was known is kept.
        (saved(account="acct_1", live=False), "", TEST, ReadWith("acct_1", False)),
        (saved(live=False), "acct_1", TEST, ReadWith("acct_1", False)),
        (saved(), "acct_1", TEST, ReadWith("acct_1", False)),
        # An earlier version's state, and Airbyte's, are adopted.
        ({"updated": NOW - 60}, "acct_1", ReadWith(None, True, 77), ReadWith("acct_1", True, 77)),
        ({"updated": str(NOW - 60)}, "acct_1", TEST, ReadWith("acct_1", False)),
        ({}, "acct_1", TEST, ReadWith("acct_1", False)),
    ],
)
def test_a_state_is_gone_on_from(
    state: dict[str, Any],
    account: str,
    setting: ReadWith,
    read_with: ReadWith,
    caplog: pytest.LogCaptureFixture,
) -> None:
    expected = StreamState(NOW - 60 if state else None, None, read_with)

    assert resumed(state, account=account, setting=setting) == expected
    assert not caplog.records


def test_what_an_earlier_start_date_brings_is_said(caplog: pytest.LogCaptureFixture) -> None:
    later = resumed(saved(start_date=NOW - 9 * DAY), setting=ReadWith(start_date=NOW - 5 * DAY))
    assert (later.window, caplog.text) == (None, "")

    resumed(saved(start_date=NOW - 9 * DAY))

    assert "2025-11-13 08:26:40 UTC" in caplog.text
    assert "none" in caplog.text


def test_a_watermark_that_is_ahead_is_said(caplog: pytest.LogCaptureFixture) -> None:
    state = resumed({"updated": NOW + 3_600})

    assert state.watermark == NOW
    assert "2025-11-21 09:26:40 UTC" in caplog.text


@pytest.mark.parametrize(
    ("stripes", "counts", "said"),
    [
        (NOW, NOW, ""),
        (NOW + 10, NOW, ""),
        (NOW + 900, NOW, "ahead of this machine's"),
        (NOW + DAY, NOW, "ahead of this machine's"),
        (NOW + DAY + 1, NOW + DAY + 1, "more than a day behind Stripe's"),
        # An early time only makes the next sync read more.
        (NOW - 900, NOW - 900, ""),
        (NOW - 400 * DAY, NOW - 400 * DAY, ""),
    ],
)
def test_of_two_clocks_the_earlier_one_counts(
    stripes: int, counts: int, said: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert earlier_of(stripes, NOW) == counts
    assert [record.levelname for record in caplog.records] == (["WARNING"] if said else [])
    assert said in caplog.text
