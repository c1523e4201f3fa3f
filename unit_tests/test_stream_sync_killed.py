"""A sync of many accounts that was killed: the next one may have other filters, and find other accounts."""

from __future__ import annotations

from typing import Any

import pytest

from source_stripe.accounts.known import key_of
from source_stripe.accounts.platform_state import PlatformState
from unit_tests.test_stream_sync import CURSOR, HOUR, IDS, NOW, STREAM, begun, of, own_state, read


def test_with_other_filters_the_first_state_says_so_of_each_account() -> None:
    first = read({}, of(IDS, NOW), filters="one")
    assert not begun(first, of(IDS, NOW + HOUR), filters="one")[0].tells_first
    assert begun(first, of(IDS, NOW + HOUR), filters="other")[0].tells_first
    one_is_behind = read(first, of(IDS[:-1], NOW), filters="one")

    sync, planned = begun(one_is_behind, of(IDS, NOW + HOUR), filters="other")
    state = PlatformState.parse(sync.dump(), stream=STREAM, cursor=CURSOR)

    for target, _ in planned:
        own = state.of(target.id, target.key, CURSOR)
        assert own is not None
        assert own["read_with"]["filters"] == "differing"


@pytest.mark.parametrize("filters", ["one", "other"])
def test_whichever_filters_are_next_they_are_those_of_all_accounts_at_the_end(filters: str) -> None:
    first = read({}, of(IDS, NOW), filters="one")
    doubtful = begun(first, of(IDS, NOW + HOUR), filters="other")[0].dump()

    assert begun(doubtful, of(IDS, NOW + HOUR), filters=filters)[0].tells_first
    state = read(doubtful, of(IDS, NOW + HOUR), filters=filters)
    assert state["read_with"]["filters"] == filters
    assert "behind" not in state


@pytest.mark.parametrize("other", [{"filters": "other"}, {"start_date": NOW - 99 * HOUR}])
def test_a_full_refresh_that_was_killed_begins_anew_with_another_config(other: dict[str, Any]) -> None:
    sync, planned = begun({}, of(IDS, NOW, NOW - 9 * HOUR), refresh=True, filters="one")
    for target, leg in planned[:4]:
        sync.hand_out(target, leg)
        sync.took(target, own_state(target, of(IDS, NOW, NOW - 9 * HOUR), NOW, filters="one"))
        sync.done(target, whole=True)
    config = {"filters": "one", "start_date": NOW - 9 * HOUR, **other}

    _, rest = begun(sync.dump(), of(IDS, NOW, config["start_date"]), refresh=True, filters=config["filters"])

    assert len(rest) == len(IDS)


def test_a_first_sync_that_was_killed_is_remembered_until_its_account_is_read() -> None:
    killed = begun({}, of(IDS[:4], NOW))[0].dump()
    assert (killed["begun"], killed["new"]) == (NOW, "".join(sorted(map(key_of, IDS[:4]))))

    # One of them is not listed, and two others are new.
    sync, planned = begun(killed, of([*IDS[1:4], *IDS[6:8]], NOW + HOUR))
    handed_out = {target.id: sync.hand_out(target, leg) for target, leg in planned}
    assert {account: state.get(CURSOR) for account, state in handed_out.items()} == {
        **dict.fromkeys(IDS[1:4], NOW),
        **dict.fromkeys(IDS[6:8]),
    }

    without = read(killed, of([*IDS[1:4], *IDS[6:8]], NOW + HOUR))
    assert (without["begun"], without["new"]) == (NOW, key_of(IDS[0]))
    sync, ((target, leg), *_) = begun(without, of(IDS[:1], NOW + 2 * HOUR))
    assert not sync.tells_first
    assert sync.hand_out(target, leg)[CURSOR] == NOW
    assert not {"begun", "new"} & read(without, of(IDS[:1], NOW + 2 * HOUR)).keys()
