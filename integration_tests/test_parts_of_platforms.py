"""Several connections share a platform's accounts: each reads a part of them, told by a stable hash of the id."""

from __future__ import annotations

from collections import Counter

import pytest

from integration_tests.platforms import ACCOUNT, SYNCS, Platform
from integration_tests.syncing import command
from stripe_emulator import StripeEmulator
from stripe_emulator.accounts.crowd import Crowd, populate

_STREAMS = (SYNCS, "accounts", "charges", "customers")
_HOUR = 3_600


@pytest.fixture
def platform(emulator: StripeEmulator) -> StripeEmulator:
    populate(emulator, Crowd(24))
    emulator.create("charge")
    emulator.clock.advance(_HOUR)
    return emulator


def part_of(emulator: StripeEmulator, number: int, parts: int) -> Platform:
    return Platform(emulator, _STREAMS, {"connected_accounts": ["all"], "part": f"{number}/{parts}"})


def read_by(connection: Platform) -> set[str]:
    """The accounts that a connection's next sync reads."""
    done = connection.synced()
    told = {row[ACCOUNT] for row in done.output.records(SYNCS) if row["status"] == "complete"}
    assert {row[ACCOUNT] for row in done.output.records("charges")} <= told
    return told


def test_parts_are_disjoint_and_together_all_accounts(platform: StripeEmulator) -> None:
    connections = [part_of(platform, number, 4) for number in (1, 2, 3, 4)]

    parts = [read_by(connection) for connection in connections]

    assert Counter(account for part in parts for account in part) == Counter(connections[0].accounts)
    assert all(parts)
    for connection, part in zip(connections, parts, strict=True):
        assert connection.wrong(part & set(platform.connected)) == []
    # The platform's own lists are read by one of them.
    owners = [
        number for number, connection in enumerate(connections) if connection.of(connection.own).table("accounts")
    ]
    assert len(owners) == 1
    assert connections[owners[0]].wrong([connections[0].own]) == []


def test_a_new_account_lands_in_one_part_and_stays_there(platform: StripeEmulator) -> None:
    connections = [part_of(platform, number, 3) for number in (1, 2, 3)]
    before = [read_by(connection) for connection in connections]
    new = platform.connect(id="acct_New", created=1)
    new.create("charge")

    after = [read_by(connection) for connection in connections]

    assert sum(len(part) for part in after) == sum(len(part) for part in before) + 1
    assert [part - {"acct_New"} for part in after] == before
    (reader,) = [connection for connection, part in zip(connections, after, strict=True) if "acct_New" in part]
    assert reader.wrong(["acct_New"]) == []


@pytest.mark.parametrize(("was", "becomes"), [((1, 2), (1, 3)), ((2, 3), (1, 1)), ((1, 1), (2, 3))])
def test_changing_the_number_of_parts_loses_nothing(
    platform: StripeEmulator, was: tuple[int, int], becomes: tuple[int, int]
) -> None:
    """The connection writes into tables that others wrote into: what it did not read before, one of them did."""
    others = [part_of(platform, number, was[1]) for number in range(1, was[1] + 1)]
    for connection in others:
        connection.synced()
    connection = others[was[0] - 1]
    for other in others:
        for account in other.accounts:
            if other is not connection and other.of(account).table("charges"):
                connection._destinations[account] = other.of(account)
    for account in platform.connected:
        connected = platform.connected[account]
        connected.update(connected.objects("charge")[0]["id"], description="changed")
        connected.delete(connected.objects("customer")[0]["id"])
    connection.config = {"connected_accounts": ["all"], "part": f"{becomes[0]}/{becomes[1]}"}

    done = connection.synced()

    read = {row[ACCOUNT] for row in done.output.records(SYNCS) if row["status"] == "complete"}
    assert connection.wrong(read & set(platform.connected)) == []
    assert len(read) > 3
    if was[0:1] != becomes[0:1] or was[1] < becomes[1] or becomes == (1, 1):
        assert any("part" in line for line in done.output.logs if line.startswith("WARN"))


@pytest.mark.parametrize("part", ["0/3", "4/3", "1", "a/b", 3])
def test_a_part_that_is_none_is_refused_with_a_sentence(platform: StripeEmulator, part: object) -> None:
    checked = command("check", platform, connected_accounts=["all"], part=part)

    (status,) = [message["connectionStatus"] for message in checked.output.messages if "connectionStatus" in message]
    assert status["status"] == "FAILED"
    assert "part" in status["message"]
