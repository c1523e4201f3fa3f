"""The emulator's events behave as Stripe's do: late, in any order within a second, silent on some things; the truth
beside them; and objects by id, deleted ones too."""

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stripe_emulator import StripeEmulator, facts
from stripe_emulator.events import RETENTION
from stripe_emulator.facts import PINNED_VERSION, Endpoint, Json
from stripe_emulator.fixtures import Client
from stripe_emulator.routes import find

V2 = {"Stripe-Version": PINNED_VERSION}


def newest(emulator: StripeEmulator) -> Json:
    event: Json = emulator.objects("event")[0]
    return event


def types(emulator: StripeEmulator) -> list[str]:
    """Event types, oldest first."""
    return [event["type"] for event in reversed(emulator.objects("event"))]


# ---- what an event holds


def test_snapshots_expand_nothing_and_hide_what_lists_hide(emulator: StripeEmulator) -> None:
    customer = emulator.create("customer", sources=[{"object": "card"}], tax={"automatic_tax": "failed"})["id"]
    event = next(event for event in emulator.objects("event") if event["type"] == "customer.created")
    assert not {"sources", "tax", "tax_ids"} & set(event["data"]["object"])
    emulator.create("charge", customer=customer, refunds=[{}])
    created = next(event for event in emulator.objects("event") if event["type"] == "charge.succeeded")
    assert created["data"]["object"]["customer"] == customer
    assert "refunds" not in created["data"]["object"]


def test_a_list_that_changed_is_shown_as_it_was_cut_at_ten(emulator: StripeEmulator) -> None:
    invoice = emulator.create("invoice", status="draft", lines=[{"amount": amount} for amount in range(12)])
    ids = [line["id"] for line in emulator.objects("line_item")]
    emulator.delete(ids[2])
    event = newest(emulator)
    assert event["type"] == "invoice.updated"
    assert event["data"]["previous_attributes"] == {"lines": {"data": invoice["lines"]["data"], "total_count": 12}}
    assert event["data"]["object"]["lines"]["total_count"] == 11
    emulator.delete(ids[11])
    assert newest(emulator)["data"]["previous_attributes"]["lines"]["has_more"] is True


def test_changes_that_do_not_show_are_told_too(emulator: StripeEmulator) -> None:
    price = emulator.create("price", event=False)["id"]
    emulator.update(price, currency_options={"eur": {"unit_amount": 900}})
    assert newest(emulator)["data"] == {"object": emulator.get(price), "previous_attributes": {}}
    subscription = emulator.create("subscription", items=[{"quantity": 1} for _ in range(11)], event=False)["id"]
    hidden = emulator.objects("subscription_item")[-1]["id"]
    emulator.update(hidden, quantity=2)
    emulator.update(hidden, quantity=2)
    items = [
        {"id": row["id"], "quantity": 3 if row["id"] == hidden else 1} for row in emulator.objects("subscription_item")
    ]
    emulator.update(subscription, items=items)
    emulator.update(subscription, items=items)
    assert types(emulator) == ["price.updated", "customer.subscription.updated", "customer.subscription.updated"]


# ---- when an event is seen


def test_events_come_late_and_objects_do_not(emulator: StripeEmulator, stripe: Client) -> None:
    emulator.event_delay = 60
    now = emulator.clock.now()
    customer = emulator.create("customer")["id"]
    (event,) = emulator.objects("event")
    assert event["created"] == now
    assert stripe.list("/v1/customers") == [customer]
    emulator.clock.advance(59)
    assert stripe.list("/v1/events") == stripe.list("/v1/events?types[]=customer.created") == []
    assert stripe.refusal(f"/v1/events/{event['id']}")[0] == 404
    assert emulator.truth("event") == []
    emulator.clock.advance(1)
    assert stripe.list("/v1/events") == stripe.list("/v1/events?types[]=customer.created") == [event["id"]]
    assert stripe.get(f"/v1/events/{event['id']}").json() == event
    assert emulator.truth("event") == emulator.objects("event") == [event]


def test_late_events_turn_up_in_the_midst_of_the_list(emulator: StripeEmulator, stripe: Client) -> None:
    emulator.event_delay = lambda event: 100 if event["type"] == "charge.failed" else 0
    for status in ("succeeded", "failed", "pending"):
        emulator.create("charge", status=status)
        emulator.clock.advance(10)
    everything = emulator.objects("event")
    third, second, first = (event["id"] for event in everything)
    assert stripe.list("/v1/events") == [third, first]
    emulator.clock.advance(80)
    assert stripe.list("/v1/events") == [third, second, first]
    assert stripe.list(f"/v1/events?created[lte]={everything[1]['created']}") == [second, first]
    assert emulator.objects("event") == everything


@pytest.mark.parametrize("delay", [-1, 601])
def test_events_are_ten_minutes_late_at_most(emulator: StripeEmulator, delay: int) -> None:
    emulator.event_delay = delay
    with pytest.raises(ValueError, match=f"0 to 600 seconds late, not {delay}"):
        emulator.create("customer")


def test_thirty_days_are_counted_from_when_it_happened(emulator: StripeEmulator, stripe: Client) -> None:
    emulator.event_delay = 600
    emulator.create("customer")
    emulator.clock.advance(RETENTION)
    assert len(stripe.list("/v1/events")) == len(emulator.truth("event")) == 1
    emulator.clock.advance(1)
    assert stripe.list("/v1/events") == []
    assert emulator.truth("event") == []
    assert len(emulator.objects("event")) == 1


# ---- where an event stands


def test_events_of_a_second_stand_newest_first(emulator: StripeEmulator, stripe: Client) -> None:
    customer = emulator.create("customer")["id"]
    emulator.update(customer, name="Jenny")
    emulator.delete(customer)
    listed = stripe.get("/v1/events").json()["data"]
    assert [event["type"] for event in listed] == ["customer.deleted", "customer.updated", "customer.created"]


@settings(deadline=None, max_examples=30)
@given(counts=st.lists(st.integers(1, 5), min_size=1, max_size=5), seed=st.integers(0, 99))
def test_events_of_a_second_stand_in_any_one_order(counts: list[int], seed: int) -> None:
    emulator = StripeEmulator()
    emulator.shuffle_same_second = Random(seed)
    for count in counts:
        emulator.clock.advance(1)
        for _ in range(count):
            emulator.create("customer")
    listed = emulator.objects("event")
    assert len({event["id"] for event in listed}) == sum(counts)
    assert [event["created"] for event in listed] == sorted((event["created"] for event in listed), reverse=True)
    emulator.clock.advance(1)
    emulator.create("customer")
    assert emulator.objects("event")[1:] == listed


def test_chance_may_put_a_deletion_before_what_it_follows(emulator: StripeEmulator, stripe: Client) -> None:
    emulator.shuffle_same_second = Random(1)
    orders = set()
    for _ in range(20):
        emulator.clock.advance(1)
        customer = emulator.create("customer")["id"]
        emulator.delete(customer)
        listed = stripe.get(f"/v1/events?created={emulator.clock.now()}").json()["data"]
        orders.add(tuple(event["type"] for event in listed))
        first, second = (event["id"] for event in listed)
        assert stripe.list(f"/v1/events?created={emulator.clock.now()}&limit=1&starting_after={first}") == [second]
    assert orders == {("customer.created", "customer.deleted"), ("customer.deleted", "customer.created")}


# ---- what is true, and what no event tells


def test_changes_without_events(emulator: StripeEmulator, stripe: Client) -> None:
    transaction = emulator.create("balance_transaction", status="pending")["id"]
    emulator.update(transaction, status="available")
    charge = emulator.create("charge", event=False)["id"]
    emulator.update(charge, description="Tea", event=False)
    assert stripe.list("/v1/events") == []
    assert stripe.get(f"/v1/balance_transactions/{transaction}").json()["status"] == "available"
    assert stripe.get(f"/v1/charges/{charge}").json()["description"] == "Tea"


@pytest.mark.parametrize(
    ("kind", "list_of_all"),
    [
        ("customer", "/v1/customers"),
        ("invoice", "/v1/invoices"),
        ("quote", "/v1/quotes"),
        ("subscription", "/v1/subscriptions?status=all"),
        ("subscription_schedule", "/v1/subscription_schedules"),
    ],
)
def test_the_truth_of_test_clocks(emulator: StripeEmulator, stripe: Client, kind: str, list_of_all: str) -> None:
    clock = emulator.create("test_helpers.test_clock", event=False)["id"]
    emulator.create(kind)
    timed = emulator.create(kind, test_clock=clock)
    assert stripe.list(list_of_all) == [row["id"] for row in emulator.truth(kind)]
    assert (timed in emulator.truth(kind)) == (kind == "invoice")
    assert emulator.get(timed["id"]) == timed
    told = [event["data"]["object"]["id"] for event in stripe.get("/v1/events").json()["data"]]
    assert told == [row["id"] for row in emulator.objects(kind)]


def test_the_truth_leaves_out_what_lives_below_hidden_objects(emulator: StripeEmulator) -> None:
    timed, other = emulator.create("customer", test_clock="clock_1")["id"], emulator.create("customer")["id"]
    for customer in (timed, other):
        emulator.create("card", customer=customer)
        emulator.create("tax_id", customer=customer)
        emulator.create("charge", customer=customer)
    emulator.create("subscription", test_clock="clock_1", items=[{}])
    emulator.create("quote", test_clock="clock_1", line_items=[{}])
    assert [row["customer"] for row in emulator.truth("card")] == [other]
    assert [row["customer"] for row in emulator.truth("tax_id")] == [other]
    assert [row["customer"] for row in emulator.truth("charge")] == [other, timed]
    assert emulator.truth("subscription_item") == emulator.truth("item") == []


def test_the_truth_holds_what_lists_hide_unless_asked(emulator: StripeEmulator) -> None:
    made = [emulator.create("price", active=active) for active in (True, False)]
    emulator.delete(emulator.create("price")["id"])
    assert emulator.truth("price") == made[::-1]
    canceled = emulator.create("subscription", status="canceled")
    assert emulator.truth("subscription") == [canceled]
    closed = emulator.create("review", open=False)
    assert emulator.truth("review") == [closed]


# ---- deletions


@pytest.mark.parametrize(
    ("kind", "path", "expected"),
    [
        ("customer", "/v1/customers/{id}", ["customer.deleted"]),
        ("coupon", "/v1/coupons/{id}", ["coupon.deleted"]),
        ("invoice", "/v1/invoices/{id}", ["invoice.deleted"]),
        ("invoiceitem", "/v1/invoiceitems/{id}", ["invoiceitem.deleted"]),
        ("plan", "/v1/plans/{id}", ["plan.deleted"]),
        ("price", "/v1/prices/{id}", ["price.deleted"]),
        ("product", "/v1/products/{id}", ["product.deleted"]),
        ("bank_account", "/v1/customers/{customer}/sources/{id}", ["customer.source.deleted"]),
        ("card", "/v1/customers/{customer}/sources/{id}", ["customer.source.deleted"]),
        ("source", "/v1/customers/{customer}/sources/{id}", ["customer.source.deleted"]),
        ("tax_id", "/v1/customers/{customer}/tax_ids/{id}", ["customer.tax_id.deleted"]),
        ("test_helpers.test_clock", "/v1/test_helpers/test_clocks/{id}", ["test_helpers.test_clock.deleted"]),
        ("radar.value_list", "/v1/radar/value_lists/{id}", []),
        ("terminal.location", "/v1/terminal/locations/{id}", []),
        ("webhook_endpoint", "/v1/webhook_endpoints/{id}", []),
    ],
)
def test_deleted_objects(emulator: StripeEmulator, stripe: Client, kind: str, path: str, expected: list[str]) -> None:
    customer = emulator.create("customer", event=False)["id"]
    fields = {"customer": customer} if "{customer}" in path else {}
    made = emulator.create(kind, event=False, **fields)
    path = path.format(id=made["id"], customer=customer)
    assert stripe.get(path).json() == made
    emulator.delete(made["id"])
    assert types(emulator) == expected
    assert [event["data"] for event in emulator.objects("event")] == [{"object": made}] * len(expected)
    if kind in ("customer", "terminal.location"):
        assert stripe.get(path).json() == {"id": made["id"], "object": kind, "deleted": True}
    else:
        assert stripe.refusal(path)[:2] == (404, "resource_missing")


def test_deletions_on_connected_accounts(emulator: StripeEmulator) -> None:
    connected = emulator.connect(id="acct_1")
    for kind in ("bank_account", "person"):
        emulator.delete(emulator.create(kind, account="acct_1", event=False)["id"])
    assert types(connected) == ["account.external_account.deleted", "person.deleted"]


def test_tax_ids_of_the_account_have_no_events(emulator: StripeEmulator) -> None:
    emulator.delete(emulator.create("tax_id", owner={"type": "self"})["id"])
    assert types(emulator) == []


def test_a_customer_takes_along_what_is_theirs(emulator: StripeEmulator, stripe: Client) -> None:
    customer = emulator.create("customer", event=False)["id"]
    card = emulator.create("card", customer=customer, event=False)["id"]
    emulator.create("tax_id", customer=customer, event=False)
    emulator.create("subscription", customer=customer, status="canceled", event=False)
    running = emulator.create("subscription", customer=customer, event=False)["id"]
    charge = emulator.create("charge", customer=customer, event=False)
    emulator.delete(customer)
    assert types(emulator) == ["customer.subscription.deleted", "customer.deleted"]
    assert emulator.get(running)["status"] == "canceled"
    assert emulator.truth("card") == emulator.truth("tax_id") == emulator.truth("customer") == []
    assert stripe.refusal(f"/v1/customers/{customer}/sources/{card}")[0] == 404
    assert emulator.truth("charge") == [charge]


def test_a_draft_takes_its_lines_along(emulator: StripeEmulator, stripe: Client) -> None:
    invoice = emulator.create("invoice", status="draft", lines=[{}, {}], event=False)["id"]
    emulator.delete(invoice)
    assert types(emulator) == ["invoice.deleted"]
    assert len(newest(emulator)["data"]["object"]["lines"]["data"]) == 2
    assert emulator.objects("line_item") == []
    assert stripe.refusal(f"/v1/invoices/{invoice}/lines")[0] == 404


# ---- objects by id


def by_id() -> list[tuple[Endpoint, str]]:
    """Every GET of an object by its id, with each kind that it may be of."""
    return [
        (endpoint, kind)
        for endpoint in facts.endpoints()
        if endpoint.pages is None and endpoint.path.endswith("}")
        for kind in endpoint.objects
        # An account as a customer's source is a legacy of the types: no field of it names a customer.
        if kind != "account" or endpoint.path == "/v1/accounts/{account}"
    ]


@pytest.mark.parametrize(("endpoint", "kind"), by_id(), ids=lambda value: getattr(value, "path", value))
def test_every_object_is_got_by_its_id(emulator: StripeEmulator, stripe: Client, endpoint: Endpoint, kind: str) -> None:
    path, fields, of, slot = endpoint.path, {}, None, None
    if len(endpoint.names) > 1:
        above, listed = find(path.partition("}")[0] + "}"), find(path.rpartition("/")[0])
        assert above is not None
        parents = [emulator.create(above.endpoint.objects[0])["id"] for _ in range(2)]
        nested = facts.nested()[listed.endpoint.path] if listed else None
        if nested and nested.by:
            fields = {nested.by: parents[0]}
        elif nested:
            of, slot = parents[0], nested.slot
        path, elsewhere = (path.replace(f"{{{endpoint.names[0]}}}", parent) for parent in parents)
    made = emulator.create(kind, of=of, slot=slot, **fields)
    path = path.replace(f"{{{endpoint.names[-1]}}}", made["id"])
    assert stripe.get(path, **V2).json() == made
    if fields or of:
        assert stripe.refusal(elsewhere.replace(f"{{{endpoint.names[-1]}}}", made["id"]), **V2)[0] == 404
