"""What happens to a company's objects without an event of theirs: another object's tells of it, or time, or nobody."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any, NamedTuple

from integration_tests.company import Company
from integration_tests.connection import stream_rows
from stripe_emulator import events, facts
from stripe_emulator.facts import Json
from stripe_emulator.retired import object_type
from stripe_emulator.store import Resource
from stripe_emulator.variants import others
from tools.stripe_types import Map, Scalar

_DAY = 86_400


class Silence(NamedTuple):
    """What happens, and the streams that show it."""

    do: Callable[[Company, int], None]
    tells: set[str]
    creates: bool = False


def _one(company: Company, kind: str, which: int, **given: Any) -> Resource:
    """One of the objects of a kind; there is one then, if there was none."""
    found = company.pick(kind, which)
    if found is None:
        made = company.emulator.store.get(str(company.create(kind, **given)["id"]))
        assert made is not None
        return made
    return found


def _dispute(company: Company, which: int) -> None:
    charge = _one(company, "charge", which)
    due = {"due_by": company.now + which * _DAY, "past_due": False}
    intent = charge.fields["payment_intent"]
    company.create("dispute", charge=charge.key, payment_intent=intent, status="needs_response", evidence_details=due)
    company.emulator.update(charge.key, disputed=True)


def _close_dispute(company: Company, which: int) -> None:
    if found := company.pick("dispute", which, status="needs_response"):
        company.emulator.update(found.key, status=("won", "lost")[which % 2])


def _fail_refund(company: Company, which: int) -> None:
    """The money goes back to the account: the charge counts it as refunded no more."""
    if found := company.pick("refund", which, status="pending"):
        company.emulator.update(found.key, status="failed")
        if charge := company.emulator.store.get(str(found.fields["charge"])):
            company.emulator.update(charge.key, amount_refunded=0, refunded=False)


def _review(company: Company, which: int) -> None:
    charge = _one(company, "charge", which)
    review = company.create("review", charge=charge.key, payment_intent=charge.fields["payment_intent"], open=True)
    company.emulator.update(charge.key, review=review["id"])


def _warn_of_fraud(company: Company, which: int) -> None:
    charge = _one(company, "charge", which)
    company.create("radar.early_fraud_warning", charge=charge.key, payment_intent=charge.fields["payment_intent"])
    company.emulator.update(charge.key, fraud_details={"stripe_report": f"number {company.number}"})


def _pay(company: Company, which: int) -> None:
    intent = company.create("payment_intent", status="requires_payment_method", description=f"{which}")
    charge = company.create("charge", payment_intent=intent["id"], amount=which)
    company.emulator.update(intent["id"], status="succeeded", latest_charge=charge["id"])


def _redeem(company: Company, which: int) -> None:
    """A coupon is used by a code, for a customer or a subscription."""
    coupon = _one(company, "coupon", which)
    code = _code(company, coupon, which)
    customer = company.pick("customer", which, test_clock=None)
    owner = {"customer": customer.key if customer else company.create("customer")["id"]}
    company.create("discount", **owner, source={"type": "coupon", "coupon": coupon.key}, promotion_code=code.key)
    for used in (coupon, code):
        company.emulator.update(used.key, times_redeemed=used.fields["times_redeemed"] + 1)


def _code(company: Company, coupon: Resource, which: int) -> Resource:
    found = [code for code in company.alive("promotion_code") if code.fields["promotion"]["coupon"] == coupon.key]
    if found:
        return found[which % len(found)]
    expires = company.now + which * _DAY if which % 2 else None
    made = company.create("promotion_code", promotion={"type": "coupon", "coupon": coupon.key}, expires_at=expires)
    resource = company.emulator.store.get(str(made["id"]))
    assert resource is not None
    return resource


def _use_link(company: Company, which: int) -> None:
    link = _one(company, "payment_link", which)
    session = company.create("checkout.session", payment_link=link.key, status="open")["id"]
    company.emulator.update(session, status="complete")
    company.emulator.update(link.key, restrictions={"completed_sessions": {"count": company.number, "limit": 1_000}})


def _credit(company: Company, which: int) -> None:
    invoice = _one(company, "invoice", which, status="open")
    company.create("credit_note", invoice=invoice.key, amount=which)
    name = ("pre_payment_credit_notes_amount", "post_payment_credit_notes_amount")[which % 2]
    credited: Json = {name: company.number}
    company.emulator.update(invoice.key, **credited)


def _reverse_payout(company: Company, which: int) -> None:
    payout = _one(company, "payout", which, status="paid")
    back = company.create("payout", original_payout=payout.key, amount=-which, status="pending")["id"]
    company.emulator.update(payout.key, reversed_by=back)


def _set_up(company: Company, which: int) -> None:
    """A saved card is checked: its own event tells of the update API only."""
    customer = company.pick("customer", which, test_clock=None)
    if customer is None:
        return
    method = company.create("payment_method", customer=customer.key, type="card", card={})["id"]
    intent = company.create("setup_intent", customer=customer.key, payment_method=method, status="requires_action")
    company.emulator.update(intent["id"], status="succeeded")
    company.emulator.update(method, allow_redisplay=("always", "limited")[which % 2])


def _transaction(company: Company, which: int) -> None:
    """It settles when it says, midnights of UTC: within weeks mostly, later in some countries."""
    due = (company.now // _DAY + 1 + (which % 7, which)[which % 2]) * _DAY
    company.create("balance_transaction", status="pending", amount=which, available_on=due)


def _link_to_file(company: Company, which: int) -> None:
    expires = company.now + which * _DAY // 2 if which % 3 else None
    company.create("file_link", file=_one(company, "file", 0).key, expired=False, expires_at=expires)


def _edit_link(company: Company, which: int) -> None:
    if found := company.pick("file_link", which):
        company.emulator.update(found.key, metadata={"number": str(company.number)})


def _edit_quote(company: Company, which: int) -> None:
    """Drafts change without an event, however old they are."""
    if found := company.pick("quote", which, status="draft"):
        company.emulator.update(found.key, description=f"number {company.number}")


def _edit_item(company: Company, which: int) -> None:
    if found := company.pick("invoiceitem", which, invoice=None):
        company.emulator.update(found.key, description=f"number {company.number}")


def _invoice_item(company: Company, which: int) -> None:
    """A pending item gets an invoice: one of its lines says so, the item has no event."""
    if found := company.pick("invoiceitem", which, invoice=None):
        parent = {"type": "invoice_item_details", "invoice_item_details": {"invoice_item": found.key}}
        lines = [{"parent": parent}]
        invoice = company.create("invoice", status="draft", customer=found.fields["customer"], lines=lines)["id"]
        company.emulator.update(found.key, invoice=invoice)


def _ask_for_payment(company: Company, which: int) -> None:
    invoice = _one(company, "invoice", which, status="open")
    company.create("invoice_payment", invoice=invoice.key, status="open", amount_requested=which)


def _end_payment(company: Company, which: int) -> None:
    """One that was paid has an event. One that is canceled has none, but for its invoice's."""
    if found := company.pick("invoice_payment", which, status="open"):
        ended = ("paid", "canceled")[which % 2]
        company.emulator.update(found.key, status=ended)
        if invoice := company.pick("invoice", which, id=found.fields["invoice"]):
            company.emulator.update(invoice.key, description=f"payment {ended} {company.number}")


def _end_top_up(company: Company, which: int) -> None:
    if found := company.pick("topup", which, status="pending"):
        company.emulator.update(found.key, status=("succeeded", "failed", "canceled")[which % 3])


def _redact(company: Company, which: int) -> None:
    """A deletion request: what says who it was goes. The event of it exists only where a webhook asks for that type."""
    session = _one(company, "identity.verification_session", which, metadata={"who": "Jenny"})
    report = company.create("identity.verification_report", verification_session=session.key)
    company.emulator.update(report["id"], client_reference_id=None)
    gone: Json = {"metadata": {"who": None}, "client_reference_id": None, "redaction": {"status": "redacted"}}
    company.emulator.update(session.key, **gone)


def _edit(kind: str) -> Callable[[Company, int], None]:
    """Any field of an object that can be changed gets another value."""

    def do(company: Company, which: int) -> None:
        found, fields = company.pick(kind, which), editable(kind)
        if found is not None:
            name = fields[company.number % len(fields)]
            field = object_type(kind).field(name)
            company.emulator.update(found.key, **{name: next(others(field.type, found.fields[name]))})

    return do


@cache
def editable(kind: str) -> tuple[str, ...]:
    """The texts, numbers and maps of a kind whose change Stripe tells, or that the docs say nobody is told of."""
    return tuple(_editable(kind))


def _editable(kind: str) -> Iterator[str]:
    rows = [row for row in stream_rows().values() if kind in row.object]
    changed = facts.told()[kind].changed
    for field in object_type(kind).fields:
        is_map = isinstance(field.type, Map) and isinstance(field.type.values, Scalar)
        is_plain = isinstance(field.type, Scalar) and not field.type.values and not field.type.format
        if field.name in _FIXED or field.name.endswith(_TIMES) or not (is_map or is_plain):
            continue
        rule = changed.get(field.name, changed[facts.OTHER])
        is_told = isinstance(rule, str) and not rule.startswith(events.MAYBE)
        if is_told or all({"*", field.name} & row.unseen.keys() for row in rows):
            yield field.name


_FIXED = {"currency", "id", "object", "created", "livemode", "updated", "customer_account", "deleted"}
_TIMES = ("_at", "_date", "_on", "_start", "_end")


def _made(kind: str, **fields: Any) -> Callable[[Company, int], None]:
    def do(company: Company, _: int) -> None:
        company.create(kind, **fields)

    return do


_CHARGED = {"charges", "payment_intents"}
SILENCES: Mapping[str, Silence] = {
    "pay": Silence(_pay, _CHARGED, creates=True),
    "dispute charge": Silence(_dispute, {*_CHARGED, "disputes"}, creates=True),
    "close dispute": Silence(_close_dispute, {*_CHARGED, "disputes"}),
    "fail refund": Silence(_fail_refund, {*_CHARGED, "refunds"}),
    "review charge": Silence(_review, {*_CHARGED, "reviews"}, creates=True),
    "warn of fraud": Silence(_warn_of_fraud, {*_CHARGED, "early_fraud_warnings"}, creates=True),
    "redeem coupon": Silence(_redeem, {"coupons", "promotion_codes"}, creates=True),
    "use payment_link": Silence(_use_link, {"payment_links", "checkout_sessions"}, creates=True),
    "credit invoice": Silence(_credit, {"invoices", "credit_notes"}, creates=True),
    "reverse payout": Silence(_reverse_payout, {"payouts"}, creates=True),
    "set up payment_method": Silence(_set_up, {"payment_methods", "setup_intents"}, creates=True),
    "create balance_transaction": Silence(_transaction, {"balance_transactions"}, creates=True),
    "link to file": Silence(_link_to_file, {"file_links"}, creates=True),
    "edit link to file": Silence(_edit_link, {"file_links"}),
    "edit quote": Silence(_edit_quote, {"quotes"}),
    "edit invoiceitem": Silence(_edit_item, {"invoice_items"}),
    "invoice invoiceitem": Silence(_invoice_item, {"invoice_items", "invoices"}, creates=True),
    "ask for payment of invoice": Silence(_ask_for_payment, {"invoice_payments"}, creates=True),
    "end payment of invoice": Silence(_end_payment, {"invoice_payments"}),
    "create topup": Silence(_made("topup", status="pending"), {"top_ups"}, creates=True),
    "end topup": Silence(_end_top_up, {"top_ups"}),
    "create shipping_rate": Silence(_made("shipping_rate"), {"shipping_rates"}, creates=True),
    "redact identity.verification_session": Silence(
        _redact, {"identity_verification_sessions", "identity_verification_reports"}, creates=True
    ),
}
EDITED = (
    "account", "charge", "checkout.session", "coupon", "credit_note", "customer", "dispute",
    "identity.verification_session", "invoice", "payment_intent", "payment_link", "payment_method", "payment_record",
    "payout", "price", "product", "promotion_code", "refund", "setup_intent", "shipping_rate", "subscription", "topup",
    "transfer", "transfer_reversal",
)  # fmt: skip
"""The kinds of which any field is changed."""


def edits() -> Mapping[str, Silence]:
    """For each of those kinds what changes any of its fields."""
    streams = {kind: {name for name, row in stream_rows().items() if kind in row.object} for kind in EDITED}
    return {f"edit any {kind}": Silence(_edit(kind), streams[kind]) for kind in EDITED}
