"""What old accounts and old objects do to events, and the events of v2."""

import pytest

from stripe_emulator import StripeEmulator, facts
from stripe_emulator.facts import PINNED_VERSION, Json
from stripe_emulator.fixtures import Client

V2 = {"Stripe-Version": PINNED_VERSION}
DAY = 86_400


def told(emulator: StripeEmulator, kind: str = "event") -> list[tuple[str, str]]:
    """Events by type and the id of what they are about, oldest first."""
    events = reversed(emulator.objects(kind))
    return [(event["type"], _about(event)) for event in events]


def _about(event: Json) -> str:
    named = event["data"]["object"] if event["object"] == "event" else event.get("related_object", {})
    return str(named.get("id"))


# ---- types at older versions


@pytest.mark.parametrize(
    ("version", "name"),
    [
        ("2020-03-02", "payment_method.card_automatically_updated"),
        ("2020-08-27", "payment_method.automatically_updated"),
    ],
)
def test_an_event_type_had_another_name(emulator: StripeEmulator, stripe: Client, version: str, name: str) -> None:
    method = emulator.create("payment_method", event=False)["id"]
    emulator.default_version = version
    emulator.update(method, event="payment_method.automatically_updated", metadata={"a": "b"})
    assert told(emulator) == [(name, method)]
    assert len(stripe.list(f"/v1/events?type={name}")) == 1
    assert len(stripe.list("/v1/events?type=payment_method.*")) == 1


@pytest.mark.parametrize(
    ("version", "types"),
    [
        ("2024-09-30.acacia", ["charge.refund.updated"]),
        ("2024-10-28.acacia", ["refund.created", "refund.updated", "charge.refund.updated"]),
    ],
)
def test_refunds_of_charges_had_no_events_of_their_own(
    emulator: StripeEmulator, version: str, types: list[str]
) -> None:
    emulator.default_version = version
    refund = emulator.create("refund", charge="ch_1")["id"]
    emulator.update(refund, metadata={"a": "b"})
    assert told(emulator) == [(name, refund) for name in types]
    other = emulator.create("refund", charge=None)["id"]
    assert told(emulator)[-1] == ("refund.created", other)


def test_unknown_types_may_be_refused(emulator: StripeEmulator, stripe: Client) -> None:
    old = "/v1/events?types[]=charge.succeeded&types[]=payment_method.card_automatically_updated"
    assert stripe.list(old) == []
    emulator.refuses_unknown_types = True
    status, _, message, param = stripe.refusal(old)
    assert (status, param) == (400, "types")
    assert message == "Invalid event type: payment_method.card_automatically_updated"
    assert stripe.refusal("/v1/events?type=invoiceitem.updated")[0] == 400
    assert stripe.list("/v1/events?type=invoiceitem.*") == []
    assert stripe.list("/v1/events?types[]=charge.succeeded") == []


# ---- objects from before payment methods


@pytest.mark.parametrize("kind", ["bank_account", "card", "source"])
def test_a_legacy_object_is_changed_as_a_payment_method(emulator: StripeEmulator, stripe: Client, kind: str) -> None:
    customer = emulator.create("customer", event=False)["id"]
    legacy = emulator.create(kind, customer=customer, event=False)["id"]
    shown = emulator.update(legacy, event="payment_method.updated", metadata={"a": "b"})
    assert shown["object"] == kind
    (event,) = emulator.objects("event")
    method = event["data"]["object"]
    assert (event["type"], method["object"], method["id"]) == ("payment_method.updated", "payment_method", legacy)
    assert (method["customer"], method["metadata"]) == (customer, {"a": "b"})
    assert event["data"]["previous_attributes"] == {"metadata": {"a": None}}
    for path in (f"/v1/payment_methods/{legacy}", f"/v1/customers/{customer}/payment_methods/{legacy}"):
        assert stripe.get(path).json() == method
    assert stripe.list("/v1/payment_methods") == []
    emulator.update(legacy, metadata={"a": "c"})
    assert told(emulator)[-1] == ("customer.source.updated", legacy)


def test_a_card_is_a_payment_method_with_its_name(emulator: StripeEmulator, stripe: Client) -> None:
    customer = emulator.create("customer")["id"]
    card = emulator.create("card", customer=customer, name="Jenny", exp_year=2031)["id"]
    method = stripe.get(f"/v1/payment_methods/{card}").json()
    assert (method["type"], method["billing_details"]["name"], method["card"]["exp_year"]) == ("card", "Jenny", 2031)
    emulator.delete(card)
    assert stripe.refusal(f"/v1/payment_methods/{card}")[1] == "resource_missing"


def test_a_source_without_a_customer_is_no_payment_method(emulator: StripeEmulator, stripe: Client) -> None:
    source = emulator.create("source", customer=None, status="chargeable")["id"]
    assert stripe.get(f"/v1/sources/{source}").json() == emulator.get(source)
    assert stripe.refusal(f"/v1/payment_methods/{source}") == (
        400,
        None,
        "A source must be attached to a customer to be used as a `payment_method`",
        "payment_method",
    )


def test_events_of_a_source_with_and_without_a_customer(emulator: StripeEmulator) -> None:
    customer = emulator.create("customer", event=False)["id"]
    source = emulator.create("source", customer=None, status="pending")["id"]
    assert told(emulator) == []
    changes: list[Json] = [
        {"status": "chargeable"},
        {"metadata": {"a": "b"}},
        {"customer": customer},
        {"metadata": {"a": "c"}},
        {"status": "consumed"},  # of that Stripe does not tell
        {"customer": None},
        {"status": "canceled"},
    ]
    for fields in changes:
        emulator.update(source, **fields)
    assert [name for name, _ in told(emulator)] == [
        "source.chargeable",
        "customer.source.created",
        "customer.source.updated",
        "customer.source.deleted",
        "source.canceled",
    ]


# ---- v2


def test_v2_events_name_their_object_and_show_nothing_of_it(emulator: StripeEmulator, stripe: Client) -> None:
    account = emulator.create("v2.core.account", display_name="A")["id"]
    person = emulator.create("v2.core.account_person", account=account)["id"]
    created, owner = reversed(stripe.get("/v2/core/events", **V2).json()["data"])
    assert created["type"] == "v2.core.account.created"
    assert created["related_object"] == {
        "id": account,
        "type": "v2.core.account",
        "url": f"/v2/core/accounts/{account}",
    }
    assert "data" not in created
    assert (owner["type"], owner["data"]) == ("v2.core.account_person.created", {"account_id": account})
    assert owner["related_object"]["url"] == f"/v2/core/accounts/{account}/persons/{person}"
    assert stripe.get(owner["related_object"]["url"], **V2).json() == emulator.get(person)
    assert stripe.list("/v1/events") == []


@pytest.mark.parametrize(
    ("kind", "before", "change", "name"),
    [
        ("v2.core.account", {}, {"display_name": "B"}, "account.updated"),
        ("v2.core.account", {}, {"closed": True}, "account.closed"),
        ("v2.core.account", {}, {"identity": {"country": "de"}}, "account[identity].updated"),
        (
            "v2.core.account",
            {},
            {"configuration": {"merchant": {"applied": True}}},
            "account[configuration.merchant].updated",
        ),
        ("v2.core.account_person", {"account": "acct_1"}, {"given_name": "Ada"}, "account_person.updated"),
        (
            "v2.money_management.payout_intent",
            {"status": "pending"},
            {"status": "posted"},
            "payout_intent.posted",
        ),
        (
            "v2.money_management.outbound_payment",
            {"status": "processing"},
            {"status": "failed"},
            "outbound_payment.failed",
        ),
        (
            "v2.commerce.product_catalog_import",
            {"status": "processing"},
            {"status": "succeeded_with_errors"},
            "product_catalog.imports.succeeded_with_errors",
        ),
    ],
)
def test_v2_events_of_changes(emulator: StripeEmulator, kind: str, before: Json, change: Json, name: str) -> None:
    made = emulator.create(kind, event=False, **before)["id"]
    emulator.update(made, **change)
    ((told_as, about),) = told(emulator, "v2.core.event")
    assert about == made
    assert told_as == f"{kind.rpartition('.')[0]}.{name}"


def test_every_v2_type_that_names_an_object_can_be_written_with_its_path(emulator: StripeEmulator) -> None:
    kinds = {kind for kinds in facts._read("events.json")["v2_types"].values() for kind in kinds}
    assert len(kinds) == 14
    for kind in kinds:
        emulator.create(kind, event=facts.event_types(kind)[0])
    urls = [event["related_object"]["url"] for event in emulator.objects("v2.core.event")]
    assert all(url.startswith("/v2/") and "{" not in url for url in urls)
    assert len(urls) == 14


def test_a_v2_event_may_name_nothing(emulator: StripeEmulator) -> None:
    (name,) = facts.types_without_object()
    emulator.write_v2_event(name, emulator.clock.now(), data={"account_id": "acct_1"})
    (event,) = emulator.objects("v2.core.event")
    assert (event["type"], event["data"]) == ("v2.core.account_link.returned", {"account_id": "acct_1"})
    assert "related_object" not in event


def test_v2_events_come_late_and_are_kept_for_thirty_days(emulator: StripeEmulator, stripe: Client) -> None:
    emulator.event_delay = 60
    emulator.create("v2.core.account")
    assert stripe.get("/v2/core/events", **V2).json()["data"] == []
    assert len(emulator.objects("v2.core.event")) == 1
    emulator.clock.advance(60)
    (event,) = stripe.get("/v2/core/events", **V2).json()["data"]
    emulator.clock.advance(30 * DAY)
    assert stripe.get("/v2/core/events", **V2).json()["data"] == []
    assert stripe.refusal(f"/v2/core/events/{event['id']}", **V2)[0] == 404


def test_thin_events_of_v1_may_be_listed_beside_snapshots(emulator: StripeEmulator) -> None:
    emulator.create("customer")
    assert told(emulator, "v2.core.event") == []
    emulator.lists_thin_events = True
    customer = emulator.create("customer")["id"]
    assert told(emulator, "v2.core.event") == [("v1.customer.created", customer)]
