"""The rest of v1: money added to the balance, risk, identity, shops, tax, reports, apps and the climate."""

from __future__ import annotations

from typing import Any

from stripe_emulator.accounts.full.maker import Maker
from stripe_emulator.accounts.full.paying import charge, movement
from stripe_emulator.accounts.full.samples import ADDRESS, DAY, PHONE, USD

Json = dict[str, Any]


def trade(maker: Maker) -> None:
    """One of each, in another state each era."""
    for part in (_top_up, _risk, _identity, _shop, _tax, _reports, _developers, _climate):
        part(maker)


def _top_up(maker: Maker) -> None:
    topup = maker.new_id("topup")
    status = maker.in_turn("succeeded", "pending", "failed", "canceled", "reversed")
    maker.make(
        "topup",
        id=topup,
        amount=20000,
        balance_transaction=movement(maker, 20000, "topup", topup) if status == "succeeded" else None,
        description="For refunds",
        expected_availability_date=maker.tick() + 3 * DAY,
        failure_code="insufficient_funds" if status == "failed" else None,
        source=maker.whole(maker.any("source")),
        status=status,
    )


def _risk(maker: Maker) -> None:
    """A payment under review, one whose review is over, one that the card's network warns of and that is disputed."""
    for is_open in (True, False):
        reviewed = maker.whole(charge(maker, 6000))
        review = maker.make(
            "review",
            charge=reviewed["id"],
            ip_address="203.0.113.7",
            opened_reason="rule",
            payment_intent=reviewed["payment_intent"],
            reason="rule",
        )
        if not is_open:
            maker.update(review, open=False, closed_reason=maker.in_turn("approved", "refunded"), reason="approved")
        maker.update(reviewed["id"], review=review)
    bad = maker.whole(charge(maker, 7000, disputed=True))
    maker.make(
        "radar.early_fraud_warning",
        actionable=maker.in_turn(True, False),
        charge=bad["id"],
        fraud_type="made_with_stolen_card",
        payment_intent=bad["payment_intent"],
    )
    maker.make("radar.payment_evaluation", recommended_action="block")
    dispute = maker.new_id("dispute")
    maker.make(
        "dispute",
        id=dispute,
        amount=7000,
        balance_transactions=[maker.whole(movement(maker, -7000, "adjustment", dispute, fee=1500))],
        charge=bad["id"],
        evidence={"customer_name": "Kim Sato", "receipt": maker.any("file")},
        evidence_details={"due_by": maker.tick() + 20 * DAY, "has_evidence": True, "submission_count": 1},
        payment_intent=bad["payment_intent"],
        reason="fraudulent",
        status=maker.in_turn("won", "lost", "under_review", "needs_response", "prevented"),
    )


def _identity(maker: Maker) -> None:
    session = maker.new_id("identity.verification_session")
    report = maker.make(
        "identity.verification_report",
        document={
            "dob": {"day": 4, "month": 7, "year": 1984},
            "first_name": "Kim",
            "issuing_country": "US",
            "last_name": "Sato",
            "number": "D1234567",
            "status": "verified",
            "type": "passport",
        },
        verification_session=session,
    )
    maker.make(
        "identity.verification_session",
        id=session,
        last_verification_report=report,
        related_customer=maker.any("customer"),
        status=maker.in_turn("verified", "requires_input", "processing", "canceled"),
        type="document",
        verified_outputs={"first_name": "Kim", "last_name": "Sato", "id_number": "000-00-0000"},
    )


def _shop(maker: Maker) -> None:
    location = maker.make("terminal.location", address=ADDRESS, display_name=f"Studio {maker.era + 1}", phone=PHONE)
    maker.make(
        "terminal.configuration",
        is_account_default=maker.era == 0,
        name=f"Counter {maker.era + 1}",
        stripe_s700={"splashscreen": maker.any("file")},
        tipping={USD: {"percentages": [10, 15, 20]}},
    )
    payment = {"payment_intent": maker.any("payment_intent")}
    maker.make(
        "terminal.reader",
        action={"process_payment_intent": payment, "status": "in_progress", "type": "process_payment_intent"},
        device_type="stripe_s700",
        ip_address="192.0.2.7",
        label="By the door",
        last_seen_at=maker.tick() * 1000,
        location=location,
        serial_number=f"S700-{maker.era + 1:06}",
        status=maker.in_turn("online", "offline"),
    )


def _tax(maker: Maker) -> None:
    country = maker.in_turn("US", "DE", "JP", "AU")
    options: Json = {"US": {"state": "OR", "type": "state_sales_tax"}}.get(country, {"type": "standard"})
    maker.make(
        "tax.registration",
        active_from=maker.tick(),
        country=country,
        country_options={country.lower(): options},
        status=maker.in_turn("active", "expired", "scheduled"),
    )
    maker.make("tax.location", address=ADDRESS, description=f"Stage {maker.era + 1}")


def _reports(maker: Maker) -> None:
    """A report and a query that somebody ran, with the files that came of them."""
    file: Json = {"purpose": "finance_report_run", "size": 12034, "type": "csv"}
    result = maker.whole(maker.make("file", filename="report.csv", title="Payouts", **file))
    failed = maker.era == 1
    maker.make(
        "reporting.report_run",
        error="No data for this time." if failed else None,
        parameters={"columns": ["net"], "interval_start": maker.tick() - DAY, "interval_end": maker.tick()},
        report_type=maker.any("reporting.report_type"),
        result=None if failed else result,
        status="failed" if failed else "succeeded",
        succeeded_at=None if failed else maker.tick(),
    )
    rows = maker.whole(maker.make("file", filename="rows.csv", **{**file, "purpose": "sigma_scheduled_query"}))
    maker.make(
        "scheduled_query_run",
        data_load_time=maker.tick(),
        file=rows,
        result_available_until=maker.tick() + 30 * DAY,
        sql="select count(*) from charges",
        status=maker.in_turn("completed", "failed", "timed_out"),
        title="How many charges",
    )


def _developers(maker: Maker) -> None:
    maker.make(
        "webhook_endpoint",
        description="Ledger",
        enabled_events=["charge.succeeded", "invoice.paid"],
        secret="whsec_" + "0" * 32,
        status=maker.in_turn("enabled", "disabled"),
        url=f"https://ledger-{maker.era + 1}.example.com/stripe",
    )
    for scope in ({"type": "account"}, {"type": "user", "user": "usr_emulator"}):
        maker.make("apps.secret", name=f"refresh-token-{maker.era + 1}", payload="not for anybody", scope=scope)
    maker.make(
        "apps.install",
        account=maker.emulator.account["id"],
        app="com.example.ledgerly",
        channel="public",
        permissions_granted=["charge_read"],
        status=maker.in_turn("installed", "installing", "uninstalling"),
    )


def _climate(maker: Maker) -> None:
    product = maker.any("climate.product")
    supplier = maker.whole(product)["suppliers"][0]
    delivered = {"delivered_at": maker.tick(), "metric_tons": "0.5", "supplier": supplier}
    status = maker.in_turn("delivered", "open", "confirmed", "canceled", "awaiting_funds")
    maker.make(
        "climate.order",
        amount_fees=1050,
        amount_subtotal=35000,
        amount_total=36050,
        beneficiary={"public_name": "Tidepool"},
        canceled_at=maker.tick() if status == "canceled" else None,
        cancellation_reason="requested" if status == "canceled" else None,
        delivery_details=[delivered] if status == "delivered" else [],
        expected_delivery_year=2031,
        metric_tons="0.5",
        product=product,
        status=status,
    )
