"""Lists that lie, lists that change while they are read, clocks that are off, and a key that is revoked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import pytest

from integration_tests.convergence import check_is_complete
from integration_tests.setup import IMPATIENT, QUICK
from integration_tests.syncing import Sync
from integration_tests.trial import ACCOUNT, CUSTOMERS, LIST, Trial, failures, trial
from stripe_emulator import faults
from stripe_emulator.faults import Fault

_TEN_MINUTES = 600


@pytest.mark.parametrize("times", [1, None], ids=["once", "always"])
@pytest.mark.parametrize(
    ("fault", "what"),
    [
        (faults.DUPLICATE_PAGE, "again"),
        (faults.REPEATED_CURSOR, "again"),
        (faults.MORE_WITHOUT_ROWS, "there is more, but no row"),
        (faults.ROW_WITHOUT_ID, "a row has no id"),
    ],
    ids=lambda one: one.name if isinstance(one, Fault) else "",
)
def test_a_list_that_lies_fails_its_stream(fault: Fault, what: str, times: int | None) -> None:
    with trial() as account:
        account.emulator.faults.add(fault, on=LIST, having="starting_after", times=times)

        # Asked by one worker the list is one chain of pages.
        failed = account.sync(IMPATIENT, workers=1)

        check_failed(failed, {"charges"}, "system_error", "GET /v1/charges", what, "Sync again")
        check_goes_on(account)


def test_a_list_that_has_changed_when_it_is_gone_on_with(account: Trial) -> None:
    """One comes, and those to go on from are deleted, as events are that get too old: all others come, each once."""
    emulator = account.emulator
    for _ in range(250):
        emulator.create("customer")
        emulator.clock.advance(60)
    at_first = [row["id"] for row in emulator.objects("customer")]

    def change() -> None:
        emulator.create("customer")
        emulator.delete(at_first[98])
        emulator.delete(at_first[99])

    changed = replace(faults.CURSOR_GONE, happens=change)
    for fault in (changed, faults.CURSOR_GONE):
        emulator.faults.add(fault, on=CUSTOMERS, having="starting_after")
    first = account.sync(workers=1)

    check_is_complete(first, account.connection)
    asked = [one.params for one in emulator.requests if one.path == CUSTOMERS]
    behind = [params["starting_after"] for params in asked if "starting_after" in params]
    assert behind[:3] == [[at_first[place]] for place in (99, 98, 97)]
    assert first.output.ids("customers") == Counter(at_first)
    check_goes_on(account)


def test_an_object_that_is_deleted_between_its_event_and_its_get(account: Trial) -> None:
    account.check_right(account.sync())
    customer = account.emulator.objects("customer")[20]["id"]
    account.emulator.update(customer, name="changed")
    account.emulator.clock.advance(_TEN_MINUTES)
    account.emulator.faults.add(
        faults.happening("deleted", lambda: account.emulator.delete(customer)), on="/v1/customers/{customer}"
    )

    done = account.sync()

    check_is_complete(done, account.connection)
    assert account.emulator.faults.met == {"deleted": 1}
    assert [row["is_deleted"] for row in done.output.records("customers")] == [True]
    check_goes_on(account)


@pytest.mark.parametrize("on", [None, ACCOUNT], ids=["everywhere", "of one server"])
@pytest.mark.parametrize("seconds", [_TEN_MINUTES, -_TEN_MINUTES])
def test_a_clock_that_is_off(account: Trial, seconds: int, on: str | None) -> None:
    """What happens within the ten minutes, on either side of the sync, is there when the clock is right again."""
    emulator = account.emulator
    emulator.faults.add(faults.clock_off(seconds), on=on, times=None)
    for _ in range(3):
        emulator.clock.advance(300)
        emulator.update(emulator.objects("charge")[100]["id"], description=str(emulator.clock.now()))
        emulator.create("customer")
        check_is_complete(account.sync(), account.connection)
    assert set(emulator.faults.met) == {f"clock {seconds:+}"}

    check_goes_on(account)


def test_a_key_that_is_revoked_while_a_sync_runs(account: Trial) -> None:
    emulator = account.emulator
    key = emulator.keys[emulator.key]

    def revoke() -> None:
        emulator.keys[emulator.key] = replace(key, expired=True)

    emulator.faults.add(faults.happening("revoked", revoke), on=LIST, having="starting_after")
    failed = account.sync(QUICK, workers=1)

    check_failed(failed, {"charges", "customers"}, "config_error", "401", "api_key_expired", "Expired API Key", "req_")
    assert len([one for one in emulator.requests if one.status == 401]) == 1

    emulator.keys[emulator.key] = key
    check_goes_on(account)


@pytest.fixture
def account() -> Iterator[Trial]:
    with trial() as account:
        yield account


def check_failed(done: Sync, streams: set[str], failure_type: str, *words: str) -> None:
    """AssertionError unless these streams failed, and those only, and said why."""
    assert done.code == 1
    assert {stream for stream, status in done.output.statuses.items() if status != "COMPLETE"} == streams
    for stream in streams:
        said = failures(done, stream)
        assert said, stream
        assert {failure.type for failure in said} == {failure_type}
        for word in words:
            assert all(word in failure.message for failure in said), (word, said)


def check_goes_on(account: Trial) -> None:
    """AssertionError unless a sync without faults goes on from the state that there is, to what Stripe has."""
    account.emulator.faults.clear()
    account.live_on()
    account.check_right(account.sync())
