"""The bulk account: its lists are those of an ordinary account, however long they are."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from stripe_emulator import StripeEmulator
from stripe_emulator.accounts.bulk import LIVE_KEY, Plan, populate
from stripe_emulator.bulk import number_of, token
from stripe_emulator.fixtures import Client

DAY = 24 * 3600
ALL = (
    "balance_transaction",
    "charge",
    "customer",
    "dispute",
    "invoice",
    "payment_intent",
    "payout",
    "refund",
)


def rows(stripe: Client, path: str, limit: int = 100) -> Iterator[dict[str, Any]]:
    """A whole list, page by page."""
    separator, after, more = "&" if "?" in path else "?", "", True
    while more:
        page = stripe.get(f"{path}{separator}limit={limit}{after}").json()
        yield from page["data"]
        more = page["has_more"]
        after = f"&starting_after={page['data'][-1]['id']}" if more else ""


def ids(stripe: Client, path: str, limit: int = 100) -> list[str]:
    return [row["id"] for row in rows(stripe, path, limit)]


def test_ids_lead_back_to_their_rows() -> None:
    numbers = [0, 1, 999_999, 250 * 10**6]
    assert [number_of(f"ch_{token(number).decode()}") for number in numbers] == numbers
    assert number_of("ch_3QBsomethingElse0000000000") is None


@pytest.mark.parametrize("limit", [1, 7, 100])
def test_a_list_holds_every_row_once_newest_first(emulator: StripeEmulator, stripe: Client, limit: int) -> None:
    populate(emulator, Plan({"charge": 207}))
    listed = list(rows(stripe, "/v1/charges", limit))
    assert len({row["id"] for row in listed}) == len(listed) == 207
    assert [row["created"] for row in listed] == sorted((row["created"] for row in listed), reverse=True)


def test_time_filters_cut_where_stripe_cuts(emulator: StripeEmulator, stripe: Client) -> None:
    populate(emulator, Plan({"charge": 50}))
    times = [row["created"] for row in rows(stripe, "/v1/charges")]
    newer, older = times[10], times[30]
    for since, until, expected in [("gte", "lt", times[11:31]), ("gt", "lte", times[10:30])]:
        path = f"/v1/charges?created[{since}]={older}&created[{until}]={newer}"
        assert [row["created"] for row in rows(stripe, path, 8)] == expected
    assert len(ids(stripe, f"/v1/charges?created={newer}")) == 1


def test_paging_backwards_ends_before_the_cursor(emulator: StripeEmulator, stripe: Client) -> None:
    populate(emulator, Plan({"charge": 30}))
    every = ids(stripe, "/v1/charges")
    page = stripe.get(f"/v1/charges?limit=5&ending_before={every[12]}").json()
    assert ([row["id"] for row in page["data"]], page["has_more"]) == (every[7:12], True)
    page = stripe.get(f"/v1/charges?limit=5&ending_before={every[5]}").json()
    assert ([row["id"] for row in page["data"]], page["has_more"]) == (every[:5], False)


def test_cursor_outside_the_filter_is_a_place_in_time(emulator: StripeEmulator, stripe: Client) -> None:
    populate(emulator, Plan({"charge": 30}))
    listed = list(rows(stripe, "/v1/charges"))
    path = f"/v1/charges?limit=100&created[lt]={listed[10]['created']}&starting_after="
    assert [row["id"] for row in stripe.get(path + listed[3]["id"]).json()["data"]] == [r["id"] for r in listed[11:]]
    assert [row["id"] for row in stripe.get(path + listed[20]["id"]).json()["data"]] == [r["id"] for r in listed[21:]]


@pytest.mark.parametrize("kind", ALL)
def test_rows_look_as_the_emulators_own_do(emulator: StripeEmulator, stripe: Client, kind: str) -> None:
    populate(emulator, Plan({kind: 3}))
    path = f"/v1/{kind}s"
    [newest, *_] = rows(stripe, path)
    assert newest.keys() == StripeEmulator().create(kind).keys()
    assert newest["object"] == kind
    assert stripe.get(f"{path}/{newest['id']}").json() == newest


def test_charges_weigh_two_and_a_half_kilobytes(emulator: StripeEmulator, stripe: Client) -> None:
    populate(emulator, Plan({"charge": 100}))
    assert 2_400 < len(stripe.get("/v1/charges?limit=100").content) / 100 < 2_600


def test_expansion_shows_objects_of_the_same_payment(emulator: StripeEmulator, stripe: Client) -> None:
    populate(emulator, Plan({"charge": 3}))
    path = "/v1/charges?limit=2&expand[]=data.balance_transaction&expand[]=data.refunds"
    [charge, _] = stripe.get(path).json()["data"]
    assert charge["balance_transaction"]["source"] == charge["id"]
    assert charge["refunds"]["data"] == []
    assert charge["refunds"]["url"] == f"/v1/charges/{charge['id']}/refunds"


def test_invoices_embed_ten_lines_and_list_the_others(emulator: StripeEmulator, stripe: Client) -> None:
    populate(emulator, Plan({"invoice": 3}, lines=25))
    invoices = list(rows(stripe, "/v1/invoices"))
    lines = []
    for invoice in invoices:
        embedded = invoice["lines"]
        whole = list(rows(stripe, f"/v1/invoices/{invoice['id']}/lines", 7))
        assert (len(whole), embedded["has_more"], embedded["total_count"]) == (25, True, 25)
        assert embedded["data"] == whole[:10]
        assert {line["invoice"] for line in whole} == {invoice["id"]}
        lines += [line["id"] for line in whole]
    assert len(set(lines)) == 75


def test_lines_of_another_invoice_are_no_cursor(emulator: StripeEmulator, stripe: Client) -> None:
    populate(emulator, Plan({"invoice": 2}, lines=2))
    [one, other] = rows(stripe, "/v1/invoices")
    path = f"/v1/invoices/{one['id']}/lines?starting_after={other['lines']['data'][0]['id']}"
    assert stripe.refusal(path)[:2] == (400, "resource_missing")
    assert stripe.refusal(f"/v1/invoices/in_{token(2).decode()}/lines")[:2] == (404, "resource_missing")


def test_unknown_rows_and_parameters_are_refused(emulator: StripeEmulator, stripe: Client) -> None:
    populate(emulator, Plan({"charge": 3}))
    unborn, other_kind = f"ch_{token(3).decode()}", f"pi_{token(0).decode()}"
    assert stripe.refusal(f"/v1/charges/{unborn}")[:2] == (404, "resource_missing")
    assert stripe.refusal(f"/v1/charges?starting_after={other_kind}")[:2] == (400, "resource_missing")
    assert stripe.refusal("/v1/charges?colour=red")[:2] == (400, "parameter_unknown")
    assert stripe.refusal("/v1/charges?transfer_group=x")[0] == 500
    assert stripe.refusal("/v1/charges?expand[]=data.amount")[0] == 400


def test_skewed_rows_crowd_in_a_day_and_a_second(emulator: StripeEmulator, stripe: Client) -> None:
    populate(emulator, Plan({"charge": 3000}, spread="skewed"))
    times = [row["created"] for row in rows(stripe, "/v1/charges")]
    crowded = max(set(times), key=times.count)
    assert times.count(crowded) >= 1000
    midnight = crowded - DAY // 2
    assert sum(midnight <= time < midnight + DAY for time in times) >= 0.9 * 3000
    assert times[0] - times[-1] > 700 * DAY


def test_changes_of_the_last_day_have_events(emulator: StripeEmulator, stripe: Client) -> None:
    populate(emulator, Plan({"charge": 400}, changes=50))
    yesterday = emulator.clock.now() - DAY
    told = list(rows(stripe, f"/v1/events?created[gte]={yesterday}"))
    named = [(event["type"], event["data"]["object"]["id"]) for event in told]
    assert len(set(named)) == len(named) == 50
    new = {name for kind, name in named if kind == "charge.succeeded"}
    assert new == set(ids(stripe, f"/v1/charges?created[gte]={yesterday}"))
    assert len(new) == 10
    assert {name for kind, name in named if kind == "charge.updated"} <= set(ids(stripe, "/v1/charges")) - new


def test_changes_are_those_of_all_kinds_that_tell_of_theirs(emulator: StripeEmulator, stripe: Client) -> None:
    populate(emulator, Plan({"charge": 100, "customer": 100, "balance_transaction": 100}, changes=40))
    told = Counter(event["type"] for event in rows(stripe, "/v1/events"))
    assert told == {
        "charge.succeeded": 4,
        "charge.updated": 16,
        "customer.created": 4,
        "customer.updated": 16,
    }


def test_a_live_key_opens_the_account(emulator: StripeEmulator, stripe: Client) -> None:
    populate(emulator, Plan())
    assert stripe.get("/v1/account", Authorization=f"Bearer {LIVE_KEY}").status_code == 200
