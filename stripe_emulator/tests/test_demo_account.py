"""The demo account is whole: what it refers to exists, its amounts add up, and a seed makes it again."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import pytest

from stripe_emulator import StripeEmulator
from stripe_emulator.accounts.demo import HISTORY, history, live_on, populate

DAY = 24 * 3600
KINDS = {
    "balance_transaction": "txn",
    "charge": "ch",
    "checkout.session": "cs_test",
    "customer": "cus",
    "discount": "di",
    "dispute": "du",
    "invoice": "in",
    "invoice_payment": "inpay",
    "item": "li",
    "line_item": "il",
    "payment_intent": "pi",
    "payment_method": "pm",
    "payout": "po",
    "price": "price",
    "product": "prod",
    "promotion_code": "promo",
    "refund": "re",
    "subscription": "sub",
    "subscription_item": "si",
}
OBJECT_ID = re.compile(rf"({'|'.join(KINDS.values())})_\w{{24}}")

Object = dict[str, Any]


class Account:
    """Everything that an emulator holds, by kind and id."""

    def __init__(self, emulator: StripeEmulator) -> None:
        self.now = emulator.clock.now()
        self.kinds = {kind: emulator.objects(kind) for kind in (*KINDS, "coupon", "event")}
        self.by_id = {it["id"]: it for objects in self.kinds.values() for it in objects}

    def __getitem__(self, kind: str) -> list[Object]:
        return self.kinds[kind]

    def grouped(self, kind: str, field: str) -> defaultdict[str, list[Object]]:
        """The objects of a kind by what they say in `field`."""
        groups: defaultdict[str, list[Object]] = defaultdict(list)
        for it in self.kinds[kind]:
            groups[it[field]].append(it)
        return groups


def populated(seed: int = 1) -> StripeEmulator:
    emulator = StripeEmulator()
    populate(emulator, seed)
    return emulator


def lived_on() -> StripeEmulator:
    emulator = populated()
    emulator.clock.advance(3600)
    live_on(emulator)
    emulator.clock.advance(3600)
    live_on(emulator)
    return emulator


@pytest.fixture(scope="module", params=[populated, lived_on])
def account(request: pytest.FixtureRequest) -> Account:
    return Account(request.param())


def strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from strings(item)


def total(objects: list[Object], field: str = "amount") -> int:
    return sum(it[field] for it in objects)


def test_the_company_is_small_but_has_everything(account: Account) -> None:
    counts = {kind: len(objects) for kind, objects in account.kinds.items()}
    assert all(counts.values())
    assert 2_000 < sum(counts.values()) < 20_000
    # More than a page of each of these, so that a sync has to turn pages.
    assert min(counts["charge"], counts["customer"], counts["invoice"], counts["payout"], counts["subscription"]) > 100
    assert {it["status"] for it in account["charge"]} == {"failed", "succeeded"}
    assert {it["status"] for it in account["subscription"]} >= {"active", "canceled"}
    assert {it["status"] for it in account["payout"]} >= {"failed", "paid"}
    assert {it["status"] for it in account["invoice"]} >= {"paid", "uncollectible"}
    assert {it["status"] for it in account["checkout.session"]} >= {"complete", "expired"}


def test_it_has_two_years_of_history_and_no_future(account: Account) -> None:
    times = [it["created"] for kind in KINDS for it in account[kind] if "created" in it]
    assert max(times) <= account.now
    assert account.now - min(times) > HISTORY - DAY


def test_every_id_that_is_mentioned_exists(account: Account) -> None:
    mentioned = {text for objects in account.kinds.values() for text in strings(objects) if OBJECT_ID.fullmatch(text)}
    assert len(mentioned) > 5_000
    assert mentioned <= account.by_id.keys()
    coupons = [it["promotion"]["coupon"] for it in account["promotion_code"]]
    coupons += [it["source"]["coupon"] for it in account["discount"]]
    assert set(coupons) <= account.by_id.keys()


def test_a_payment_belongs_to_one_customer_all_the_way(account: Account) -> None:
    for charge in account["charge"]:
        intent = account.by_id[charge["payment_intent"]]
        assert intent["customer"] == charge["customer"]
        assert account.by_id[charge["payment_method"]]["customer"] == charge["customer"]
        assert account.by_id[charge["customer"]]["created"] <= intent["created"] <= charge["created"]
    for invoice_payment in account["invoice_payment"]:
        invoice = account.by_id[invoice_payment["invoice"]]
        intent = account.by_id[invoice_payment["payment"]["payment_intent"]]
        subscription = account.by_id[invoice["parent"]["subscription_details"]["subscription"]]
        assert intent["customer"] == invoice["customer"] == subscription["customer"]


def test_charges_pay_their_intents_and_stripe_its_fee(account: Account) -> None:
    for charge in account["charge"]:
        if charge["status"] == "failed":
            assert charge["balance_transaction"] is None
            continue
        intent = account.by_id[charge["payment_intent"]]
        assert intent["status"] == "succeeded"
        assert intent["latest_charge"] == charge["id"]
        assert intent["amount_received"] == intent["amount"] == charge["amount"] == charge["amount_captured"]
        movement = account.by_id[charge["balance_transaction"]]
        assert movement["source"] == charge["id"]
        assert movement["amount"] == charge["amount"]
        assert abs(movement["fee"] - (charge["amount"] * 0.029 + 30)) <= 0.5


def test_the_net_of_a_balance_transaction_is_its_amount_less_its_fee(account: Account) -> None:
    for movement in account["balance_transaction"]:
        assert movement["net"] == movement["amount"] - movement["fee"]
        assert movement["fee"] == total(movement["fee_details"])
        settled = movement["available_on"] <= account.now
        assert movement["status"] == ("available" if settled else "pending")


def test_invoices_add_up(account: Account) -> None:
    lines, payments = account.grouped("line_item", "invoice"), account.grouped("invoice_payment", "invoice")
    for invoice in account["invoice"]:
        assert invoice["subtotal"] == total(lines[invoice["id"]])
        assert invoice["total"] == invoice["subtotal"] - total(invoice["total_discount_amounts"])
        assert invoice["amount_paid"] + invoice["amount_remaining"] == invoice["amount_due"] == invoice["total"]
        paid = [it["amount_paid"] or 0 for it in payments[invoice["id"]]]
        assert invoice["amount_paid"] == sum(paid)
        assert (invoice["status"] == "paid") == (invoice["status_transitions"]["paid_at"] is not None)


def test_refunds_add_up_to_what_their_charge_says(account: Account) -> None:
    refunded: dict[str, int] = defaultdict(int)
    for refund in account["refund"]:
        refunded[refund["charge"]] += refund["amount"]
        assert account.by_id[refund["balance_transaction"]]["net"] == -refund["amount"]
    for charge in account["charge"]:
        assert charge["amount_refunded"] == refunded[charge["id"]] <= charge["amount"]
        assert charge["refunded"] == (charge["amount_refunded"] == charge["amount"])


def test_disputes_take_the_money_and_give_it_back_if_won(account: Account) -> None:
    assert account["dispute"]
    for dispute in account["dispute"]:
        assert account.by_id[dispute["charge"]]["disputed"]
        assert account.by_id[dispute["charge"]]["amount"] == dispute["amount"]
        kept = total(dispute["balance_transactions"], "net") + 1500
        assert kept == (0 if dispute["status"] == "won" else -dispute["amount"])
    disputed = {it["charge"] for it in account["dispute"]}
    assert disputed == {it["id"] for it in account["charge"] if it["disputed"]}


def test_a_payout_is_everything_that_was_available(account: Account) -> None:
    for payout in account["payout"]:
        movement = account.by_id[payout["balance_transaction"]]
        assert movement["net"] == -payout["amount"] < 0
        available = [it for it in account["balance_transaction"] if it["available_on"] <= payout["created"]]
        assert total(available, "net") == 0, "a payout leaves nothing behind"


def test_checkout_pages_that_were_completed_led_to_a_payment(account: Account) -> None:
    for session in account["checkout.session"]:
        if session["status"] != "complete":
            assert session["payment_status"] == "unpaid"
            continue
        if session["mode"] == "payment":
            paid = account.by_id[session["payment_intent"]]["amount_received"]
        else:
            assert account.by_id[session["subscription"]]["customer"] == session["customer"]
            paid = account.by_id[session["invoice"]]["amount_paid"]
        assert session["amount_total"] == paid


def test_codes_know_how_often_they_were_redeemed(account: Account) -> None:
    discounts = account.grouped("discount", "promotion_code")
    for code in account["promotion_code"]:
        redeemed = discounts[code["id"]]
        assert code["times_redeemed"] == len(redeemed)
        assert all(code["created"] <= it["start"] for it in redeemed)
    assert total(account["promotion_code"], "times_redeemed") == total(account["coupon"], "times_redeemed")


def test_events_tell_of_the_last_thirty_days(account: Account) -> None:
    oldest = account.now - 30 * DAY
    assert all(oldest <= event["created"] <= account.now for event in account["event"])
    born = {
        it["data"]["object"]["id"] for it in account["event"] if it["type"] in ("charge.succeeded", "charge.failed")
    }
    assert born == {it["id"] for it in account["charge"] if it["created"] > oldest}


def test_the_newest_event_of_an_object_shows_it_as_it_is(account: Account) -> None:
    seen: set[str] = set()
    for event in account["event"]:
        snapshot = event["data"]["object"]
        if snapshot["id"] in seen or snapshot["object"] not in ("charge", "payment_intent", "payout", "refund"):
            continue
        seen.add(snapshot["id"])
        assert snapshot == account.by_id[snapshot["id"]]
    assert len(seen) > 100


def test_a_seed_makes_the_same_account_again() -> None:
    assert Account(populated(seed=7)).kinds == Account(populated(seed=7)).kinds


def test_another_seed_makes_another_account() -> None:
    now = StripeEmulator().clock.now()
    ids, others = ({step.id for step in history(now, seed) if step.kind == "customer"} for seed in (7, 8))
    assert ids
    assert ids.isdisjoint(others)


def test_living_on_changes_something_of_each_kind() -> None:
    emulator = populated()
    before = Account(emulator)
    emulator.clock.advance(3600)
    live_on(emulator)
    after = Account(emulator)
    types = {it["type"] for it in after["event"] if it["created"] == after.now}
    assert types >= {
        "charge.refunded",
        "charge.succeeded",
        "checkout.session.completed",
        "customer.created",
        "customer.subscription.created",
        "customer.subscription.deleted",
        "invoice.updated",
        "payout.paid",
    }
    assert types & {"charge.dispute.closed", "charge.dispute.created"}
    assert before.by_id.keys() < after.by_id.keys()
