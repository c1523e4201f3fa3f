"""A platform: which accounts it reaches, in whose words it is refused, and what thousands of them cost."""

import asyncio
import tracemalloc

import pytest

from stripe_emulator import StripeEmulator
from stripe_emulator.accounts.crowd import SHARED, Crowd, populate
from stripe_emulator.faults import refused
from stripe_emulator.fixtures import Client
from stripe_emulator.limits import Limits, Traffic

_PLATFORM = (403, "platform_account_required")


def fill(account: StripeEmulator) -> None:
    born = int(account.account["created"])
    for number in range(3):
        account.create("charge", created=born + number, amount=int(account.account["id"].removeprefix("acct_c")))


@pytest.fixture
def crowd(emulator: StripeEmulator) -> list[str]:
    """Two hundred accounts, of which only a part is in memory at once."""
    born = emulator.clock.now() - 90 * 86_400
    accounts = {f"acct_c{number}": born + number for number in range(200)}
    emulator.connect_many(accounts, fill)
    return [*accounts]


def test_accounts_are_filled_when_they_are_asked_for(stripe: Client, crowd: list[str]) -> None:
    first = {name: stripe.get("/v1/charges", **{"Stripe-Account": name}).json()["data"] for name in crowd}
    assert all(charge["amount"] == int(name.removeprefix("acct_c")) for name in crowd for charge in first[name])
    assert [len(rows) for rows in first.values()] == [3] * 200
    # Long after it was let go it is the same, and so are its events.
    again = stripe.get("/v1/charges", **{"Stripe-Account": crowd[0]}).json()["data"]
    assert again == first[crowd[0]]
    assert stripe.list("/v1/events") == []


def test_an_account_that_was_changed_is_kept(emulator: StripeEmulator, stripe: Client, crowd: list[str]) -> None:
    stripe.get("/v1/charges", **{"Stripe-Account": crowd[3]})
    new = emulator.connected[crowd[3]].create("charge")["id"]
    for name in crowd:
        stripe.get("/v1/charges", **{"Stripe-Account": name})
    listed = stripe.get("/v1/charges", **{"Stripe-Account": crowd[3]}).json()["data"]
    assert listed[0]["id"] == new
    assert len(listed) == 4
    events = stripe.get("/v1/events", **{"Stripe-Account": crowd[3]}).json()["data"]
    assert [event["data"]["object"]["id"] for event in events] == [new]


def test_a_platform_is_told_nothing_of_what_happens_on_its_accounts(emulator: StripeEmulator, stripe: Client) -> None:
    connected = emulator.connect()
    connected.create("charge")
    emulator.connected.reject(connected.account["id"])
    assert stripe.list("/v1/events") == []


def test_a_revoked_account_is_refused_until_it_comes_back(emulator: StripeEmulator, stripe: Client) -> None:
    connected = emulator.connect(id="acct_1")
    emulator.connect(id="acct_2")
    charge, header = connected.create("charge")["id"], {"Stripe-Account": "acct_1"}

    emulator.connected.revoke("acct_1")
    status, code, message, _ = stripe.refusal("/v1/charges", **header)
    assert (status, code) == (403, "account_invalid")
    assert message == (
        "The provided key 'sk_test_**********1PqZ' does not have access to account 'acct_1' (or that account does not "
        "exist). Application access may have been revoked."
    )
    assert stripe.list("/v1/accounts") == ["acct_2"]

    emulator.connected.again("acct_1")
    assert stripe.get("/v1/charges", **header).json()["data"][0]["id"] == charge
    assert set(stripe.list("/v1/accounts")) == {"acct_1", "acct_2"}

    emulator.connected.revoke("acct_1", listed=True)
    assert set(stripe.list("/v1/accounts")) == {"acct_1", "acct_2"}
    emulator.connected.again("acct_1")
    assert stripe.get("/v1/charges", **header).status_code == 200


@pytest.mark.parametrize("status", [400, 403])
def test_a_deleted_account_is_refused_without_a_code(emulator: StripeEmulator, stripe: Client, status: int) -> None:
    emulator.connect(id="acct_1")
    emulator.connected.deleted_status = status
    emulator.delete("acct_1")
    message = "The account acct_1 has been deleted, so we can't complete this action."
    assert stripe.refusal("/v1/charges", **{"Stripe-Account": "acct_1"}) == (status, None, message, None)
    assert stripe.list("/v1/accounts") == []


def test_a_rejected_account_can_still_be_read(emulator: StripeEmulator, stripe: Client) -> None:
    connected = emulator.connect(id="acct_1")
    emulator.connected.reject("acct_1")
    (row,) = stripe.get("/v1/accounts").json()["data"]
    assert (row["charges_enabled"], row["payouts_enabled"]) == (False, False)
    connected.create("charge")
    assert len(stripe.get("/v1/charges", **{"Stripe-Account": "acct_1"}).json()["data"]) == 1


def test_some_accounts_are_listed_without_their_age(emulator: StripeEmulator, stripe: Client) -> None:
    emulator.connect(id="acct_1", created=emulator.clock.now() - 100)
    emulator.connect(id="acct_2", created=emulator.clock.now() - 200, dated=False)
    rows = stripe.get("/v1/accounts").json()["data"]
    assert [(row["id"], "created" in row) for row in rows] == [("acct_1", True), ("acct_2", False)]
    assert stripe.list("/v1/accounts?created[gte]=1") == ["acct_1"]


def test_an_account_that_is_no_platform_has_no_others(emulator: StripeEmulator, stripe: Client) -> None:
    emulator.connect(id="acct_1")
    assert stripe.refusal("/v1/accounts", **{"Stripe-Account": "acct_1"})[:2] == _PLATFORM

    emulator.is_platform = False
    assert stripe.refusal("/v1/accounts")[:2] == _PLATFORM
    assert stripe.refusal("/v1/charges", **{"Stripe-Account": "acct_1"})[:2] == _PLATFORM
    assert stripe.get("/v1/charges", **{"Stripe-Account": "acct_1Emulator"}).status_code == 200


def test_a_key_may_have_other_permissions_on_connected_accounts(emulator: StripeEmulator, stripe: Client) -> None:
    emulator.connect(id="acct_1")
    stripe.session.headers["Authorization"] = f"Bearer {emulator.restricted_key('charge', connect=['customer'])}"
    header = {"Stripe-Account": "acct_1"}
    assert stripe.get("/v1/charges").status_code == 200
    assert stripe.get("/v1/customers", **header).status_code == 200
    status, code, message, _ = stripe.refusal("/v1/charges", **header)
    assert (status, code) == (403, None)
    assert "on account 'acct_1'. Having the 'rak_charge_read' permission" in message
    assert stripe.refusal("/v1/customers")[0] == 403


def test_products_are_set_up_account_by_account(emulator: StripeEmulator, stripe: Client) -> None:
    emulator.connect(id="acct_1").disable("issuing")
    assert stripe.get("/v1/issuing/cards").status_code == 200
    assert stripe.refusal("/v1/issuing/cards", **{"Stripe-Account": "acct_1"})[0] == 400


def test_context_and_account_are_two_names_of_a_header_that_go_not_together(
    emulator: StripeEmulator, stripe: Client
) -> None:
    charge = emulator.connect(id="acct_1").create("charge")["id"]
    both = {"Stripe-Account": "acct_1", "Stripe-Context": "acct_1"}
    assert stripe.get("/v1/charges", **{"Stripe-Context": "acct_1"}).json()["data"][0]["id"] == charge
    assert stripe.refusal("/v1/charges", **both)[0] == 400
    assert [request.account for request in emulator.requests] == ["acct_1", "acct_1"]


def test_a_key_of_an_organization_names_the_account(emulator: StripeEmulator, stripe: Client) -> None:
    other = emulator.like_it({"id": "acct_other"})
    stripe.session.headers["Authorization"] = f"Bearer {emulator.organization_key(other)}"
    version = {"Stripe-Version": "2026-10-28.endive"}
    charges = {
        "acct_1Emulator": emulator.create("charge")["id"],
        "acct_1Emulator/acct_1": emulator.connect(id="acct_1").create("charge")["id"],
        "acct_other": other.create("charge")["id"],
        "acct_other/acct_2": other.connect(id="acct_2").create("charge")["id"],
    }
    for context, charge in charges.items():
        answer = stripe.get("/v1/charges", **version, **{"Stripe-Context": context})
        assert [row["id"] for row in answer.json()["data"]] == [charge]
    for path in ("/v1/charges", "/v1/accounts"):
        assert "include the Stripe-Context header" in stripe.refusal(path, **version)[2]
        assert "include the Stripe-Context header" in stripe.refusal(path, **version, **{"Stripe-Account": "acct_1"})[2]
    assert "Stripe-Version" in stripe.refusal("/v1/charges", **{"Stripe-Context": "acct_other"})[2]
    for stranger in ("acct_1", "acct_other/acct_1", "acct_nobody"):
        refusal = stripe.refusal("/v1/charges", **version, **{"Stripe-Context": stranger})
        assert refusal[:2] == (403, "account_invalid")


def test_a_fault_can_be_of_one_account(emulator: StripeEmulator, stripe: Client) -> None:
    for number in range(2):
        emulator.connect(id=f"acct_{number}")
    emulator.faults.add(refused(503), "/v1/charges", of="acct_1", times=None)
    statuses = [stripe.get("/v1/charges", **{"Stripe-Account": f"acct_{n}"}).status_code for n in (0, 1, 1)]
    assert [stripe.get("/v1/charges").status_code, *statuses] == [200, 200, 503, 503]


@pytest.mark.parametrize(
    ("counts", "passed"),
    [("platform", [True, False, False]), ("account", [True, True, False]), ("both", [True, False, False])],
)
def test_on_whom_requests_count_can_be_played_either_way(counts: str, passed: list[bool]) -> None:
    traffic = Traffic(clock=lambda: 100.0)
    traffic.limits = Limits(endpoint_rate=1, counts=counts)  # type: ignore[arg-type] # the parametrized ones are right

    async def reason(account: str | None) -> str | None:
        async with traffic.passing("/v1/charges", account) as reason:
            return reason

    assert [asyncio.run(reason(account)) is None for account in ("acct_1", "acct_2", "acct_1")] == passed


def test_a_request_that_breaks_one_of_two_limits_takes_of_neither() -> None:
    traffic = Traffic(clock=lambda: 100.0)
    traffic.limits = Limits(endpoint_rate=1, account_rate=3, counts="both")

    async def reason(account: str | None, path: str) -> str | None:
        async with traffic.passing(path, account) as reason:
            return reason

    asked = [("acct_1", "/a"), ("acct_1", "/a"), ("acct_1", "/b"), (None, "/c"), (None, "/d")]
    reasons = [asyncio.run(reason(*each)) for each in asked]
    assert reasons == [None, "endpoint-rate", None, None, "global-rate"]


def test_accounts_that_nobody_changes_take_little_memory() -> None:
    populate(StripeEmulator(), Crowd(1))
    tracemalloc.start()
    try:
        platform = StripeEmulator()
        for account in populate(platform, Crowd(1_000)):
            assert platform.get(account)
            assert len(platform.connected.lent(account).objects("charge")) == 3
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert most < 12_000_000


def test_each_account_of_a_crowd_has_rows_of_its_own(emulator: StripeEmulator, stripe: Client) -> None:
    accounts = populate(emulator, Crowd(3, charges=2))
    rows = {name: emulator.connected[name].objects("charge") for name in accounts}
    assert len({row["id"] for charges in rows.values() for row in charges}) == 6
    assert len({row["amount"] for charges in rows.values() for row in charges}) == 3
    for name in accounts:
        header = {"Stripe-Account": name}
        (payout,) = stripe.get("/v1/payouts", **header).json()["data"]
        moved = stripe.get(f"/v1/balance_transactions?payout={payout['id']}&expand[]=data.source", **header).json()
        assert [row["source"] for row in moved["data"]] == rows[name]
        assert stripe.get("/v1/coupons", **header).json()["data"][0]["id"] == SHARED
        assert stripe.get("/v1/events", **header).json()["data"] == []
