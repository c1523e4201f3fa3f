"""What is there before anything happens: Stripe's own catalogues, and what an account has one of."""

from __future__ import annotations

from stripe_emulator.accounts.full.maker import Maker
from stripe_emulator.accounts.full.samples import ADDRESS, DAY, USD
from stripe_emulator.accounts.payouts import BANK_ACCOUNT

_CURRENCIES = {"AU": "aud", "CA": "cad", "DE": "eur", "FR": "eur", "GB": "gbp", "JP": "jpy", "US": "usd"}
_RATES = {"aud": 1.52, "cad": 1.37, "eur": 0.92, "gbp": 0.78, "jpy": 151.2, "usd": 1.0}
_TAX_CODES = {
    "txcd_00000000": ("Nontaxable", "Any nontaxable good or service."),
    "txcd_10000000": ("General - Electronically Supplied Services", "Services delivered over the internet."),
    "txcd_10103000": ("Software as a service (SaaS) - personal use", "Pre-written software, for personal use."),
    "txcd_10103001": ("Software as a service (SaaS) - business use", "Pre-written software, for business use."),
    "txcd_20030000": ("General - Services", "A general category of services."),
    "txcd_92010001": ("Shipping", "Charges for shipping, postage and delivery."),
    "txcd_99999999": ("General - Tangible Goods", "A physical good that can be moved or touched."),
}
_REPORTS = {
    "balance.summary.1": "Balance summary",
    "payouts.itemized.3": "Itemized payouts",
    "payout_reconciliation.itemized.5": "Payout reconciliation",
}
_SUPPLIERS = {
    "climsup_charm_industrial": ("Charm Industrial", "biomass_carbon_removal_and_storage"),
    "climsup_heirloom": ("Heirloom", "direct_air_capture"),
    "climsup_lithos": ("Lithos", "enhanced_weathering"),
}


def create_world(maker: Maker) -> None:
    """Stripe's catalogues, the applications that act for the account, and its own settings."""
    _countries(maker)
    _catalogues(maker)
    _climate(maker)
    for name in ("Ledgerly", "Shipwise"):
        maker.make("application", name=name)
    for name in ("Standard card", "Card with a logo"):
        maker.make("issuing.physical_bundle", name=name, type="standard" if name == "Standard card" else "custom")
    _own(maker)


def _countries(maker: Maker) -> None:
    currencies = sorted(set(_CURRENCIES.values()))
    for country, currency in _CURRENCIES.items():
        needed = {"minimum": ["external_account", "tos_acceptance.date"], "additional": ["relationship.representative"]}
        maker.make(
            "country_spec",
            id=country,
            default_currency=currency,
            supported_bank_account_currencies={currency: [country]},
            supported_payment_currencies=currencies,
            supported_payment_methods=["ach", "card", "stripe"] if country == "US" else ["card", "stripe"],
            supported_transfer_countries=list(_CURRENCIES),
            verification_fields={"company": needed, "individual": needed},
        )
    for currency in currencies:
        rates = {other: round(rate / _RATES[currency], 6) for other, rate in _RATES.items() if other != currency}
        maker.make("exchange_rate", id=currency, rates=rates)


def _catalogues(maker: Maker) -> None:
    for code, (name, description) in _TAX_CODES.items():
        maker.make("tax_code", id=code, name=name, description=description)
    for report, name in _REPORTS.items():
        maker.make(
            "reporting.report_type",
            id=report,
            name=name,
            data_available_start=maker.now - 700 * DAY,
            data_available_end=maker.now // DAY * DAY,
            default_columns=["category", "description", "net_amount", "currency"],
            version=int(report[-1]),
        )


def _climate(maker: Maker) -> None:
    for supplier, (name, pathway) in _SUPPLIERS.items():
        place = {"city": "Fairbanks", "country": "US", "latitude": 64.8, "longitude": -147.7, "region": "AK"}
        maker.make(
            "climate.supplier",
            id=supplier,
            name=name,
            info_url="https://frontierclimate.com/portfolio",
            locations=[place],
            removal_pathway=pathway,
        )
        price = {"amount_fees": 2100, "amount_subtotal": 70000, "amount_total": 72100}
        maker.make(
            "climate.product",
            id=f"climsku_{name.partition(' ')[0].lower()}",
            name=f"Carbon removal by {name}",
            current_prices_per_metric_ton={USD: price},
            delivery_year=2031,
            metric_tons_available="12.5",
            suppliers=[maker.whole(supplier)],
        )


def _own(maker: Maker) -> None:
    """What belongs to the account itself, the bank account that the payouts go to among it."""
    account = maker.emulator.account["id"]
    maker.make(
        "bank_account",
        id=BANK_ACCOUNT,
        account=account,
        available_payout_methods=["standard"],
        bank_name="STRIPE TEST BANK",
        default_for_currency=True,
        last4="6789",
        routing_number="110000000",
        status="verified",
    )
    amount = {"amount": 512300, "currency": USD, "source_types": {"card": 512300}}
    net = [{"amount": 507177, "destination": BANK_ACCOUNT, "source_types": {"card": 507177}}]
    maker.make(
        "balance",
        available=[amount],
        connect_reserved=[{"amount": 5000, "currency": USD}],
        instant_available=[{**amount, "net_available": net}],
        issuing={"available": [{"amount": 150000, "currency": USD}]},
        pending=[{**amount, "amount": 81200}],
    )
    maker.make(
        "balance_settings",
        payments={
            "debit_negative_balances": True,
            "payouts": {"schedule": {"interval": "daily"}, "status": "enabled"},
            "settlement_timing": {"delay_days": 2},
        },
    )
    maker.make(
        "tax.settings",
        defaults={"provider": "stripe", "tax_behavior": "exclusive", "tax_code": "txcd_10103001"},
        head_office={"address": ADDRESS},
        status="active",
    )
