"""The core of v2: accounts with their people, events and where they are sent, and imports of a catalogue."""

from __future__ import annotations

from typing import Any

from stripe_emulator.accounts.full.maker import Maker
from stripe_emulator.accounts.full.samples import ADDRESS, DAY, PHONE, USD
from stripe_emulator.clock import rfc3339

Json = dict[str, Any]


def core(maker: Maker) -> None:
    """An account that is open and one that was closed, with all that v2 keeps of them."""
    account = _account(maker, closed=False)
    _account(maker, closed=True)
    for given_name in ("Kim", "Ada"):
        maker.make(
            "v2.core.account_person",
            account=account,
            address=ADDRESS,
            date_of_birth={"day": 4, "month": 7, "year": 1984},
            email=f"{given_name.lower()}@example.com",
            given_name=given_name,
            relationship={"owner": True, "percent_ownership": "50"},
            surname="Sato",
        )
    expiry = rfc3339(maker.tick() + DAY)
    maker.make("v2.core.account_token", expires_at=expiry)
    maker.make("v2.core.account_person_token", expires_at=expiry, used=True)
    _events(maker, account)
    _imports(maker)


def _account(maker: Maker, *, closed: bool) -> str:
    """Its configuration, identity, defaults and requirements are shown to who asks for them with `include` only."""
    capability = {"status": "active", "status_details": []}
    reason = {"code": "determining_status", "resolution": "no_resolution"}
    pending = {"status": "pending", "status_details": [reason]}
    person = {"documents": None, "given_name": "Kim", "surname": "Sato"}
    return maker.make(
        "v2.core.account",
        applied_configurations=["customer", "merchant", "recipient"],
        closed=closed,
        configuration={
            "customer": {"applied": True, "shipping": {"address": ADDRESS, "name": "Kim Sato", "phone": PHONE}},
            "merchant": {"applied": True, "capabilities": {"card_payments": capability, "link_payments": pending}},
            "recipient": {"applied": not closed},
        },
        contact_email=f"account-{maker.era + 1}@example.com",
        dashboard=maker.in_turn("express", "full", "none"),
        defaults={
            "currency": USD,
            "locales": ["en-US"],
            "responsibilities": {"fees_collector": "stripe", "losses_collector": "stripe"},
        },
        display_name=f"Studio {maker.era + 1}",
        future_requirements={"entries": []},
        identity={"country": "us", "entity_type": "individual", "individual": person},
        requirements={"entries": [], "summary": {}},
    )


def _events(maker: Maker, account: str) -> None:
    maker.make(
        "v2.core.event_destination",
        description="To the ledger",
        enabled_events=["v2.core.account.updated"],
        event_payload="thin",
        name=f"Ledger {maker.era + 1}",
        status=maker.in_turn("enabled", "disabled"),
        type="webhook_endpoint",
        webhook_endpoint={"url": f"https://ledger-{maker.era + 1}.example.com/stripe"},
    )
    for name in ("v2.core.account.created", "v2.core.account[identity].updated"):
        maker.make("v2.core.event", context=account, type=name)


def _imports(maker: Maker) -> None:
    status = maker.in_turn("succeeded", "succeeded_with_errors", "failed", "processing", "awaiting_upload")
    upload = {"expires_at": rfc3339(maker.tick() + DAY), "url": "https://files.example.com/upload"}
    sample = {"error_message": "No such price", "field": "price", "id": "sku-7", "row": "12"}
    download = {"expires_at": rfc3339(maker.tick() + DAY), "url": "https://files.example.com/errors.csv"}
    error_file = {"content_type": "text/csv", "download_url": download, "size": "321"}
    details: Json = {
        "awaiting_upload": {"upload_url": upload},
        "failed": {"code": "invalid_file", "failure_message": "Not a CSV file.", "type": "cannot_proceed"},
        "processing": {"error_count": "0", "success_count": "40"},
        "succeeded": {"success_count": "90"},
        "succeeded_with_errors": {"error_file": error_file, "samples": [sample], "success_count": "89"},
    }
    maker.make(
        "v2.commerce.product_catalog_import",
        feed_type=maker.in_turn("product", "inventory", "pricing"),
        mode="upsert",
        status=status,
        status_details={status: details[status]},
    )
