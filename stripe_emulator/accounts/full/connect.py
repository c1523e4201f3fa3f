"""The platform: connected accounts with their people and capabilities, and what is held back from them."""

from __future__ import annotations

from stripe_emulator.accounts.full.maker import Maker
from stripe_emulator.accounts.full.paying import charge, movement
from stripe_emulator.accounts.full.samples import ADDRESS, DAY, PHONE, USD

_REQUIREMENTS = {"currently_due": ["external_account"], "past_due": []}


def connect(maker: Maker) -> None:
    """A connected account that sells, and what it owes the platform for that."""
    account = _account(maker)
    _people(maker, account)
    _earnings(maker, account)
    _reserves(maker)


def _account(maker: Maker) -> str:
    """A connected account: its own customers and charges are seen with `Stripe-Account` only."""
    maker.tick()
    connected = maker.emulator.connect(
        business_profile={"mcc": "7999", "name": f"Studio {maker.era + 1}", "url": "https://studio.example.com"},
        business_type=maker.in_turn("company", "individual"),
        email=f"studio-{maker.era + 1}@example.com",
        type=maker.in_turn("express", "standard", "custom"),
    )
    account = str(connected.account["id"])
    guest = connected.create("customer", email="guest@example.com")
    connected.create("charge", amount=2500, customer=guest["id"])
    for capability, status in (("card_payments", "active"), ("transfers", maker.in_turn("active", "pending"))):
        maker.make(
            "capability",
            id=capability,
            account=account,
            requested=True,
            requested_at=maker.tick(),
            requirements=_REQUIREMENTS if status == "pending" else None,
            status=status,
        )
    maker.make(
        "bank_account", account=account, bank_name="STRIPE TEST BANK", default_for_currency=True, status="verified"
    )
    maker.make("card", account=account, available_payout_methods=["instant", "standard"], currency=USD, funding="debit")
    return account


def _people(maker: Maker, account: str) -> None:
    for first, role in (("Kim", "representative"), ("Ada", "owner"), ("Noor", "director")):
        maker.make(
            "person",
            account=account,
            address=ADDRESS,
            dob={"day": 4, "month": 7, "year": 1984},
            email=f"{first.lower()}@example.com",
            first_name=first,
            last_name="Sato",
            phone=PHONE,
            relationship={role: True, "percent_ownership": 25.0, "title": "Manager"},
            verification={"status": maker.in_turn("verified", "pending", "unverified")},
        )


def _earnings(maker: Maker, account: str) -> None:
    """A payment for the account, the transfer of it and its reversal, the platform's fee and its refund."""
    paid = charge(maker, 9000, on_behalf_of=account, transfer_group=f"order-{maker.era + 1}")
    transfer, back = maker.new_id("transfer"), maker.new_id("transfer_reversal")
    maker.make(
        "transfer",
        id=transfer,
        amount=8000,
        amount_reversed=1000,
        balance_transaction=movement(maker, -8000, "transfer", transfer),
        destination=account,
        source_transaction=paid,
        source_type="card",
        transfer_group=f"order-{maker.era + 1}",
    )
    maker.make(
        "transfer_reversal",
        id=back,
        amount=1000,
        balance_transaction=movement(maker, 1000, "transfer_refund", back),
        transfer=transfer,
    )
    fee, given_back = maker.new_id("application_fee"), maker.new_id("fee_refund")
    maker.make(
        "application_fee",
        id=fee,
        account=account,
        amount=1000,
        amount_refunded=400,
        balance_transaction=movement(maker, 1000, "application_fee", fee),
        charge=paid,
        fee_source={"type": "charge", "charge": paid},
    )
    maker.make(
        "fee_refund",
        id=given_back,
        amount=400,
        balance_transaction=movement(maker, -400, "application_fee_refund", given_back),
        fee=fee,
    )


def _reserves(maker: Maker) -> None:
    """Money that is held back for a while. There is no list of these: only their events tell of them."""
    plan = maker.make(
        "reserve.plan",
        created_by="stripe",
        currency=USD,
        destination="risk_reserved",
        percent=10,
        rolling_release={"days_after_charge": 30},
        status=maker.in_turn("active", "disabled", "expired"),
        type="rolling_release",
    )
    hold = maker.make(
        "reserve.hold",
        amount=900,
        amount_releasable=900,
        created_by="stripe",
        destination="risk_reserved",
        reason="charge",
        release_schedule={"release_after": maker.tick() + 30 * DAY},
        reserve_plan=plan,
        source_charge=maker.any("charge"),
        source_type="card",
    )
    released = maker.make(
        "reserve.release",
        amount=900,
        created_by="stripe",
        destination="payments",
        reason="hold_released_early",
        reserve_hold=hold,
        reserve_plan=plan,
    )
    maker.update(hold, amount_releasable=0, release_details=[{"amount": 900, "reserve_release": released}])
