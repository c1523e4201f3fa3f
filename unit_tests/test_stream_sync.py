"""A stream's way through many accounts: whatever happens, no state says more than was read."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from source_stripe.accounts.known import key_of, part_of
from source_stripe.accounts.legs import Leg, Target, counted, visits
from source_stripe.accounts.platform_state import PlatformState, Setting
from source_stripe.accounts.stream_sync import Of, StreamSync
from source_stripe.reading.resuming import OtherData, StateError
from source_stripe.reading.state import StreamState, UnknownStateError

NOW = 1_763_800_000
HOUR = 3_600
STREAM, CURSOR = "charges", "updated"
PLATFORM = "acct_platform"
IDS = [PLATFORM, *(f"acct_{number}" for number in range(11))]


def targets(ids: list[str], part: str = "1/1") -> list[Target]:
    number, of = map(int, part.split("/"))
    found = (Target(each, key_of(each), NOW - place) for place, each in enumerate(ids))
    return [target for target in found if part_of(target.key, of) == number]


def of(ids: list[str], now: int, start_date: int | None = None, part: str = "1/1") -> Of:
    setting = Setting(PLATFORM, live=True, part=part)
    return Of(setting, now, start_date, targets(ids, part), int(part.partition("/")[2]))


def begun(
    saved: Mapping[str, Any], sync_of: Of, *, refresh: bool = False, filters: str | None = None
) -> tuple[StreamSync, list[tuple[Target, Leg]]]:
    """A sync that has begun, and what it will hand out."""
    sync = StreamSync(STREAM, CURSOR, saved, sync_of, "account", refresh=refresh, filters=filters)
    planned = visits(sync_of.targets, {STREAM: sync.wants()})
    sync.begin(counted(planned).get(STREAM, {}))
    return sync, [(visit.target, visit.leg) for visit in planned]


def own_state(
    target: Target, sync_of: Of, watermark: int, *, filters: str | None = None, **more: Any
) -> dict[str, Any]:
    """What the sync of one account leaves."""
    about: dict[str, Any] = {"account": target.id, "live": True}
    if sync_of.start_date is not None:
        about["start_date"] = sync_of.start_date
    if filters is not None:
        about["filters"] = filters
    return {CURSOR: watermark, "read_with": about, **more}


def read(saved: Mapping[str, Any], sync_of: Of, *, filters: str | None = None) -> dict[str, Any]:
    """A sync in which all goes well."""
    sync, planned = begun(saved, sync_of, filters=filters)
    for target, leg in planned:
        sync.hand_out(target, leg)
        sync.took(target, own_state(target, sync_of, sync_of.now, filters=filters))
        sync.done(target, whole=True)
    return sync.dump(ended=True)


@dataclass
class World:
    """What was really read, and the last state that came out."""

    saved: dict[str, Any] = field(default_factory=dict)
    truth: dict[str, list[tuple[int, int]]] = field(default_factory=dict)
    """By account: up to when it was read, and from which start date on; each time."""
    filters: dict[str, set[tuple[int, str | None]]] = field(default_factory=dict)
    """By account: up to when it was read, and with which filters; each time."""

    def check(self, state: Mapping[str, Any]) -> None:
        """No state may say more than was read. One that goes out is what the next sync gets."""
        self.saved = json.loads(json.dumps(state))
        parsed = PlatformState.parse(self.saved, stream=STREAM, cursor=CURSOR)
        for account in IDS:
            claimed = parsed.of(account, key_of(account), CURSOR)
            if claimed is None or "backfill" in claimed:
                continue
            own = StreamState.parse(claimed, stream=STREAM, cursor=CURSOR)
            start = own.read_with.start_date if own.read_with is not None else None
            assert own.watermark is not None
            assert own.read_with is not None
            told = own.read_with.filters
            read_so = (own.watermark <= until and told == filters for until, filters in self.filters[account])
            assert told == "differing" or any(read_so)
            assert any(own.watermark <= until and since <= (start or 0) for until, since in self.truth[account])

    def sync(self, chance: Random, now: int) -> None:
        ids = [each for each in IDS if chance.random() < 0.8]
        sync_of = of(ids, now, chance.choice([None, NOW - 50 * HOUR, NOW - 100 * HOUR]))
        filters = chance.choice([None, None, "one", "other"])
        sync, planned = begun(self.saved, sync_of, filters=filters)
        killed_after = chance.randint(0, 2 * len(planned) + 3)
        under_way: list[Target] = []
        while planned or under_way:
            if killed_after == 0:
                return
            killed_after -= 1
            if planned and ((len(under_way) < 3 and chance.random() < 0.5) or not under_way):
                target, leg = planned.pop(0)
                given_state = sync.hand_out(target, leg)
                if "backfill" not in given_state and given_state:
                    assert given_state[CURSOR] <= max(self.truth[target.id])[0]
                under_way.append(target)
            else:
                target = under_way.pop(chance.randrange(len(under_way)))
                if chance.random() < 0.8:
                    sync.took(target, own_state(target, sync_of, now, filters=filters))
                    self.filters.setdefault(target.id, set()).add((now, filters))
                    self.truth.setdefault(target.id, []).append((now, sync_of.start_date or 0))
                    sync.done(target, whole=True)
                else:
                    sync.done(target, whole=False)
            if chance.random() < 0.5:
                self.check(sync.dump())
        self.check(sync.dump(ended=True))


@given(st.integers(), st.integers(1, 5))
def test_no_state_ever_says_more_than_was_read(seed: int, syncs: int) -> None:
    world, chance = World(), Random(seed)
    for number in range(syncs):
        world.sync(chance, NOW + number * HOUR)


@given(st.integers(), st.integers(0, 4))
def test_after_any_history_one_good_sync_has_read_all(seed: int, syncs: int) -> None:
    world, chance = World(), Random(seed)
    for number in range(syncs):
        world.sync(chance, NOW + number * HOUR)
    now = NOW + 9 * HOUR

    state = PlatformState.parse(read(world.saved, of(IDS, now)), stream=STREAM, cursor=CURSOR)

    assert set(state.known) == set(map(key_of, IDS))
    assert (state.mark.watermark, state.run, state.behind) == (now, None, {})


def test_a_sync_that_was_killed_goes_on_where_it_was() -> None:
    first = read({}, of(IDS, NOW))
    sync, planned = begun(first, of(IDS, NOW + HOUR))
    for target, leg in planned[:5]:
        sync.hand_out(target, leg)
        sync.took(target, own_state(target, of(IDS, NOW), NOW + HOUR))
        sync.done(target, whole=True)

    _, rest = begun(sync.dump(), of(IDS, NOW + 2 * HOUR))

    in_order = sorted(map(key_of, IDS))
    assert [(target.key, leg) for target, leg in rest] == [
        *((key, Leg.REST) for key in in_order[5:]),
        *((key, Leg.CHANGES) for key in in_order[:5]),
    ]


def test_accounts_under_way_stand_behind_with_their_own_states() -> None:
    sync, planned = begun(read({}, of(IDS, NOW)), of(IDS, NOW + HOUR))
    (slow, leg), *others = planned
    sync.hand_out(slow, leg)
    for target, of_leg in others:
        sync.hand_out(target, of_leg)
        sync.took(target, own_state(target, of(IDS, NOW), NOW + HOUR))
        sync.done(target, whole=True)

    state = sync.dump()

    assert state[CURSOR] == NOW + HOUR
    assert state["behind"] == {slow.id: NOW}
    assert "run" not in state


def test_new_accounts_come_last_and_the_newest_of_them_first() -> None:
    state = read({}, of(IDS[:6], NOW))
    _, planned = begun(state, of(IDS, NOW + HOUR))

    assert [leg for _, leg in planned] == [Leg.CHANGES] * 6 + [Leg.LATER] * 6
    assert [target.id for target, _ in planned[6:]] == IDS[6:]


def test_one_that_stripe_lists_no_more_goes_on_when_it_is_back() -> None:
    state = read({}, of(IDS, NOW))
    without = read(state, of(IDS[:-1], NOW + HOUR))
    key = key_of(IDS[-1])
    assert without["behind"] == {key: NOW}

    sync, planned = begun(without, of(IDS, NOW + 2 * HOUR))
    target, leg = planned[-1]
    assert (target.id, leg) == (IDS[-1], Leg.LATER)
    assert sync.hand_out(target, leg)[CURSOR] == NOW


def test_refused_objects_keep_an_account_behind() -> None:
    sync, ((target, leg), *_) = begun({}, of(IDS[:1], NOW))
    sync.hand_out(target, leg)
    sync.took(target, own_state(target, of(IDS, NOW), NOW, refused=["src_1"]))
    sync.done(target, whole=True)

    assert sync.dump()["behind"] == {target.id: {CURSOR: NOW, "refused": ["src_1"]}}


def test_a_state_of_one_account_is_that_accounts() -> None:
    saved = {CURSOR: NOW - HOUR, "read_with": {"account": PLATFORM, "live": True}}
    sync, planned = begun(saved, of(IDS, NOW))

    handed_out = {target.id: sync.hand_out(target, leg) for target, leg in planned}

    assert handed_out.pop(PLATFORM) == saved
    assert handed_out == {account: {} for account in IDS[1:]}
    assert planned[0][0].id == PLATFORM


def test_a_state_of_another_platform_is_refused() -> None:
    state = read({}, of(IDS, NOW))
    other = {**state, "read_with": {**state["read_with"], "account": "acct_other"}}
    test_data = {**state, "read_with": {**state["read_with"], "live": False}}
    of_one = {CURSOR: NOW, "read_with": {"account": "acct_other"}}

    for saved in (other, test_data, of_one):
        with pytest.raises(OtherData):
            begun(saved, of(IDS, NOW + HOUR))


@pytest.mark.parametrize(
    "wrong", [{"accounts": "abc"}, {"accounts": "äääääääää"}, {"run": {}}, {CURSOR: "x"}, {CURSOR: NOW + 99 * HOUR}]
)
def test_a_state_that_nobody_wrote_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(StateError):
        begun({**read({}, of(IDS, NOW)), **wrong}, of(IDS, NOW + HOUR))


def test_a_state_of_many_accounts_is_refused_where_one_is_read() -> None:
    with pytest.raises(UnknownStateError, match="reset the stream"):
        StreamState.parse(read({}, of(IDS, NOW)), stream=STREAM, cursor=CURSOR)


def test_parts_are_disjoint_and_together_all() -> None:
    parts = [{target.id for target in of(IDS, NOW, part=f"{number}/4").targets} for number in range(1, 5)]

    assert sorted(account for part in parts for account in part) == sorted(IDS)


def test_with_another_part_what_is_not_known_is_read_as_behind_a_gap(caplog: pytest.LogCaptureFixture) -> None:
    state = read({}, of(IDS, NOW, part="1/2"))
    then = of(IDS, NOW + HOUR, part="2/3")
    with caplog.at_level(logging.WARNING):
        sync, planned = begun(state, then)
    handed_out = {target.id: sync.hand_out(target, leg) for target, leg in planned}

    had = {target.id for target in of(IDS, NOW, part="1/2").targets}
    assert handed_out.keys() == {target.id for target in then.targets}
    assert handed_out.keys() & had
    assert handed_out.keys() - had
    for account, given_state in handed_out.items():
        if account in had:
            assert given_state[CURSOR] == NOW
        else:
            assert given_state["backfill"]["floor"] == NOW + HOUR
    assert ["1/2" in line and "2/3" in line for line in caplog.messages] == [True]
    assert sync.dump()["moved"]


def test_a_part_that_changed_is_remembered_until_all_is_read() -> None:
    state = read({}, of(IDS, NOW, part="1/2"))
    sync, _ = begun(state, of(IDS, NOW + HOUR, part="1/1"))

    again, planned = begun(sync.dump(), of(IDS, NOW + 2 * HOUR))
    *_, (target, leg) = planned

    assert again.hand_out(target, leg)["backfill"]["floor"] == NOW + 2 * HOUR
    assert "moved" not in read(sync.dump(), of(IDS, NOW + 2 * HOUR))


def test_a_full_refresh_that_was_killed_goes_on_with_the_rest() -> None:
    complete = read({}, of(IDS, NOW))
    sync, planned = begun(complete, of(IDS, NOW + HOUR), refresh=True)
    assert {leg for _, leg in planned} == {Leg.LATER}
    for target, leg in planned[:4]:
        assert sync.hand_out(target, leg) == {}
        sync.took(target, own_state(target, of(IDS, NOW), NOW + HOUR))
        sync.done(target, whole=True)

    again, rest = begun(sync.dump(), of(IDS, NOW + 2 * HOUR), refresh=True)

    assert {target.id for target, _ in rest} == set(IDS) - {target.id for target, _ in planned[:4]}
    for target, leg in rest:
        again.hand_out(target, leg)
        again.took(target, own_state(target, of(IDS, NOW), NOW + 2 * HOUR))
        again.done(target, whole=True)
    assert "refresh" not in again.dump(ended=True)
    assert len(begun(again.dump(ended=True), of(IDS, NOW + 3 * HOUR), refresh=True)[1]) == len(IDS)


def test_two_accounts_with_one_key_are_never_taken_for_each_other() -> None:
    same = key_of("acct_1")
    twins = [Target("acct_1", same), Target("acct_2", same)]
    sync_of = Of(Setting(PLATFORM, live=True), NOW, None, twins)

    state = read({}, sync_of)

    assert state["accounts"] == ""
    assert state["behind"] == {"acct_1": NOW, "acct_2": NOW}


def test_ten_thousand_accounts_fit_into_two_hundred_kilobytes() -> None:
    ids = [f"acct_{number:016}" for number in range(10_000)]
    sync_of = of(ids, NOW)
    sync, planned = begun({}, sync_of)
    for target, leg in planned:
        sync.hand_out(target, leg)
        sync.took(target, own_state(target, sync_of, NOW, open=[[NOW + HOUR, [[NOW - HOUR, NOW]]]]))
        sync.done(target, whole=True)

    assert len(json.dumps(sync.dump())) < 200_000


def test_what_was_listed_whole_is_remembered_for_all() -> None:
    sync_of = of(IDS, NOW)
    sync, planned = begun({}, sync_of)
    for target, leg in planned:
        sync.hand_out(target, leg)
        sync.took(target, own_state(target, sync_of, NOW, relisted=NOW))
        sync.done(target, whole=True)
    state = sync.dump(ended=True)
    assert state["relisted"] == NOW

    later, planned = begun(state, of(IDS, NOW + HOUR))
    for place, (target, leg) in enumerate(planned):
        assert later.hand_out(target, leg)["relisted"] == NOW
        later.took(target, own_state(target, sync_of, NOW + HOUR, relisted=NOW + HOUR))
        later.done(target, whole=True)
        assert later.dump().get("run", later.dump())["relisted"] == NOW + HOUR, place
    assert later.dump(ended=True)["relisted"] == NOW + HOUR
