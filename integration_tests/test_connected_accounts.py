"""Connected accounts: one connection reads a platform and all of them, each row with the account that it is of."""

from __future__ import annotations

import os
from collections import Counter

import pytest

from integration_tests.platform_trial import Trial, play
from integration_tests.platforms import ACCOUNT, SYNCS, Platform, requests_by_account
from integration_tests.setup import IMPATIENT
from integration_tests.syncing import Kill, Sync, command, sync
from integration_tests.trial import failures
from stripe_emulator import StripeEmulator
from stripe_emulator.accounts.crowd import SHARED, Crowd, populate
from stripe_emulator.faults import refused

_ACCOUNTS = int(os.environ.get("SOURCE_STRIPE_ACCOUNTS", "40"))
_KILLS = int(os.environ.get("SOURCE_STRIPE_KILLS", "8"))
_STREAMS = (SYNCS, "charges", "customers")
_HOUR = 3_600


def platform_of(emulator: StripeEmulator, *streams: str, accounts: int = 3, **config: object) -> Platform:
    """A platform with some accounts, which have rows, and a charge of its own."""
    populate(emulator, Crowd(accounts))
    emulator.create("charge")
    emulator.clock.advance(_HOUR)
    return Platform(emulator, streams or _STREAMS, {"connected_accounts": ["all"], **config})


def warnings(done: Sync) -> list[str]:
    return [line for line in done.output.logs if line.startswith(("WARN", "ERROR"))]


def test_many_accounts_that_go_come_and_miss_weeks_are_right_though_their_syncs_are_killed() -> None:
    """SOURCE_STRIPE_ACCOUNTS=1000 and SOURCE_STRIPE_KILLS=50 make it a long trial."""
    figures = play(Trial(_ACCOUNTS, _KILLS))

    assert figures.kills >= _KILLS // 2
    print(*figures.lines(), sep="\n")


def test_every_row_and_every_key_names_the_account(emulator: StripeEmulator) -> None:
    catalog = command("discover", emulator, connected_accounts=["all"]).output.messages
    streams = {row["name"]: row for message in catalog if "catalog" in message for row in message["catalog"]["streams"]}
    assert len(streams) > 100
    for name, row in streams.items():
        (first, *rest) = row["source_defined_primary_key"]
        assert (name, first) == (name, [ACCOUNT])
        assert [ACCOUNT] not in rest
        assert row["json_schema"]["properties"][ACCOUNT]["type"] in ("string", ["string"], ["null", "string"]), name
    assert SYNCS in streams


def test_ids_that_all_accounts_have_stay_apart(emulator: StripeEmulator) -> None:
    platform = platform_of(emulator, SYNCS, "coupons", "charges")
    emulator.create("coupon", id=SHARED, name="the platform's own")
    emulator.clock.advance(_HOUR)

    done = platform.synced()

    assert Counter(row[ACCOUNT] for row in done.output.records("coupons")) == Counter(platform.accounts)
    assert platform.wrong() == []


def test_a_platforms_own_streams_are_read_of_it_alone(emulator: StripeEmulator) -> None:
    streams = ("accounts", "application_fees", "persons", "tax_codes", "transfers")
    platform = platform_of(emulator, SYNCS, *streams, "charges")
    for name in emulator.connected:
        emulator.connected[name].create("transfer")
        emulator.create("person", account=name)
    emulator.create("application_fee")
    emulator.clock.advance(_HOUR)

    done = platform.synced()

    assert platform.wrong() == []
    assert {row[ACCOUNT] for name in streams for row in done.output.records(name)} == {platform.own}
    for account, counts in requests_by_account(emulator.requests, platform.own).items():
        assert account == platform.own or counts.keys() <= {"/v1/charges", "/v1/events"}


def test_accounts_that_are_listed_are_read_and_no_others(emulator: StripeEmulator) -> None:
    platform = platform_of(emulator, accounts=4)
    chosen = [*emulator.connected][1:3]
    platform.config = {"connected_accounts": chosen}

    done = platform.synced()

    assert {row[ACCOUNT] for row in done.output.records("charges")} == set(chosen)
    assert platform.wrong(chosen) == []
    assert requests_by_account(emulator.requests, platform.own).keys() <= {*chosen, platform.own}


def test_an_organizations_key_reads_the_accounts_that_are_listed(emulator: StripeEmulator) -> None:
    other = emulator.like_it({"id": "acct_Other"})
    other.create("charge")
    platform = platform_of(emulator)
    connected = next(iter(emulator.connected))
    platform.config = {
        "client_secret": emulator.organization_key(other),
        "connected_accounts": [platform.own, f"{platform.own}/{connected}", "acct_Other"],
    }
    emulator.clock.advance(_HOUR)

    done = platform.sync()

    assert done.code == 0, done.output.errors
    rows = Counter(row[ACCOUNT] for row in done.output.records("charges"))
    assert rows == {platform.own: 1, connected: 3, "acct_Other": 1}
    assert not [request for request in emulator.requests if request.status != 200]


def test_accounts_without_access_are_left_out_and_told_of_once(emulator: StripeEmulator) -> None:
    platform = platform_of(emulator, accounts=12)
    gone = [*emulator.connected][:7]
    for name in gone:
        emulator.connected.revoke(name, listed=True)

    done = platform.synced()

    (warning,) = warnings(done)
    assert "7 accounts" in warning
    assert sum(name in warning for name in gone) == 5
    assert {name for name in platform.accounts if platform.told[name]["status"] == "refused"} == set(gone)
    assert all("Application access may have been revoked" in platform.told[name]["message"] for name in gone)
    assert platform.wrong(set(platform.accounts) - set(gone)) == []


def test_an_account_that_comes_back_goes_on_from_where_it_was(emulator: StripeEmulator) -> None:
    platform = platform_of(emulator)
    platform.synced()
    name = next(iter(emulator.connected))
    connected = emulator.connected[name]
    emulator.connected.revoke(name)
    connected.update(connected.objects("charge")[-1]["id"], description="changed")
    connected.delete(connected.objects("customer")[0]["id"])
    platform.synced()
    emulator.connected.again(name)

    done = platform.synced()

    assert platform.wrong() == []
    # A change and a tombstone, and nothing else of it or of others.
    assert Counter(row[ACCOUNT] for name in _STREAMS[1:] for row in done.output.records(name)) == {name: 2}


@pytest.mark.parametrize("status", [400, 403])
def test_accounts_that_are_deleted_are_left_out(emulator: StripeEmulator, status: int) -> None:
    platform = platform_of(emulator)
    gone = next(iter(emulator.connected))
    platform.config = {"connected_accounts": [*emulator.connected]}
    emulator.connected.deleted_status = status
    emulator.delete(gone)

    done = platform.synced()

    assert "has been deleted" in platform.told[gone]["message"]
    assert len(warnings(done)) == 1
    assert platform.wrong([*emulator.connected][1:]) == []


def test_what_fails_of_one_account_fails_the_stream_and_no_other_account(emulator: StripeEmulator) -> None:
    platform = platform_of(emulator)
    bad = next(iter(emulator.connected))
    emulator.faults.add(refused(500), "/v1/charges", of=bad, times=None)

    done = platform.sync(setup=IMPATIENT)

    assert done.code == 1
    assert done.output.statuses == {SYNCS: "COMPLETE", "charges": "INCOMPLETE", "customers": "COMPLETE"}
    (failure,) = failures(done, "charges")
    assert failure.type == "transient_error"
    assert bad in failure.message
    assert platform.told[bad]["status"] == "behind"
    assert platform.wrong(set(platform.accounts) - {bad}) == []

    emulator.faults.clear()
    done = platform.synced()
    assert platform.wrong() == []
    assert {row[ACCOUNT] for row in done.output.records("charges")} == {bad}


def test_a_permission_that_is_missing_on_connected_accounts_fails_its_stream_once(emulator: StripeEmulator) -> None:
    platform = platform_of(emulator, accounts=8)
    kinds = ("account", "charge", "customer", "event")
    key = emulator.restricted_key(*kinds, connect=("customer", "event"))

    done = platform.sync(client_secret=key)

    assert done.code == 1
    assert done.output.statuses == {SYNCS: "COMPLETE", "charges": "INCOMPLETE", "customers": "COMPLETE"}
    (failure,) = failures(done, "charges")
    assert failure.type == "config_error"
    assert "rak_charge_read" in failure.message
    customers = {row[ACCOUNT] for row in done.output.records("customers")}
    assert customers == set(emulator.connected)


def test_products_that_accounts_are_not_set_up_for_are_no_warnings(emulator: StripeEmulator) -> None:
    platform = platform_of(emulator, SYNCS, "cards", "charges", accounts=6)
    for name in [*emulator.connected][:4]:
        emulator.connected[name].disable("issuing")
    last = [*emulator.connected][-1]
    emulator.connected[last].create("issuing.card")
    emulator.clock.advance(_HOUR)

    done = platform.synced()

    assert warnings(done) == []
    assert len([line for line in done.output.logs if "cards" in line and "4 accounts" in line]) == 1
    assert [row[ACCOUNT] for row in done.output.records("cards")] == [last]


@pytest.mark.parametrize("what", ["no platform", "no permission to list", "none with access"])
def test_a_key_that_reads_no_connected_account_is_refused(emulator: StripeEmulator, what: str) -> None:
    platform = platform_of(emulator)
    if what == "no platform":
        emulator.is_platform = False
    if what == "no permission to list":
        platform.config = {**platform.config, "client_secret": emulator.restricted_key("charge", "customer", "event")}
    if what == "none with access":
        platform.config = {"connected_accounts": ["acct_Nobody1", "acct_Nobody2"]}

    done = platform.sync()

    assert done.code == 1
    assert {trace["error"]["failure_type"] for trace in done.output.traces if trace.get("error")} == {"config_error"}
    assert done.output.records("charges") == []


@pytest.mark.parametrize("record", [1, 4])
def test_what_goes_while_an_accounts_first_sync_is_killed_gets_its_tombstone(
    emulator: StripeEmulator, record: int
) -> None:
    platform = platform_of(emulator, SYNCS, "customers", accounts=6)
    killed = platform.sync(kill=Kill(record=record), num_workers=1)
    assert killed.killed
    came = killed.output.records("customers")
    for row in came:
        emulator.connected[row[ACCOUNT]].delete(row["id"])

    platform.synced()

    assert came
    assert platform.wrong() == []


def test_a_state_of_one_account_is_gone_on_from(emulator: StripeEmulator) -> None:
    platform = platform_of(emulator)
    alone = sync(emulator, ["charges", "customers"]).output
    platform.states = {state["stream"]["stream_descriptor"]["name"]: state for state in alone.state_messages}

    done = platform.synced()

    # The platform's own charge is there already.
    assert {row[ACCOUNT] for row in done.output.records("charges")} == set(emulator.connected)


def test_a_state_of_a_platform_is_none_of_a_single_account(emulator: StripeEmulator) -> None:
    platform = platform_of(emulator)
    platform.synced()

    done = sync(emulator, ["charges"], [platform.states["charges"]])

    assert done.code == 1
    assert "eset" in done.output.errors[0]
    assert done.output.records() == []


@pytest.mark.parametrize("listed", [True, False])
def test_so_does_what_goes_of_an_account_that_loses_access_before_the_next_sync(
    emulator: StripeEmulator, listed: bool
) -> None:
    platform = platform_of(emulator, SYNCS, "customers", accounts=6)
    (first, *_) = platform.sync(kill=Kill(record=2), num_workers=1).output.records("customers")
    account = first[ACCOUNT]
    emulator.connected[account].delete(first["id"])
    emulator.connected.revoke(account, listed=listed)
    platform.synced()
    emulator.connected.again(account)

    platform.synced()

    assert platform.wrong() == []
    assert not {"begun", "new"} & platform.state("customers").keys()


def test_an_account_that_a_killed_sync_told_of_is_told_to_be_gone(emulator: StripeEmulator) -> None:
    platform = platform_of(emulator, SYNCS, "customers", accounts=6)
    platform.sync(kill=Kill(record=4), num_workers=1)
    account = next(iter(platform.told))
    assert platform.told[account]["status"] == "complete"
    emulator.connected.revoke(account)

    platform.synced()

    assert platform.told[account]["status"] == "gone"
