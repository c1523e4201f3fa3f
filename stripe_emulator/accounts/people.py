"""The demo company's customers, who are made up, and the cards that they pay with."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from stripe_emulator.accounts.catalogue import CURRENCY
from stripe_emulator.accounts.journal import Journal

_FIRST_NAMES = (
    "Ada Amira Anton Bao Beatriz Carlos Chloe Dario Dina Emil Esther Farah Felix Grace Hana Hugo Ines Ivan Jonas Joy "
    "Kofi Leila Liam Maja Marco Mei Nadia Noor Olga Omar Paula Priya Rafael Rosa Samir Sofia Tomas Uma Victor Yuki"
)
_LAST_NAMES = (
    "Abbott Alvarez Barros Berg Castillo Chen Costa Dubois Eriksen Fischer Garcia Haddad Ito Jansen Kaur Kowalski Lind "
    "Mbeki Meyer Moreau Nguyen Novak Okafor Olsen Patel Quinn Reyes Rossi Santos Sato Silva Tanaka Usman Weber Young"
)
_STUDIOS = ("Yoga", "Pilates", "Dance", "Pottery", "Boxing", "Barre", "Climbing", "Music", "Language", "Swim")
_PLACES = (
    ("Portland", "OR", "97205", "US"),
    ("Austin", "TX", "78704", "US"),
    ("Madison", "WI", "53703", "US"),
    ("Brooklyn", "NY", "11215", "US"),
    ("Toronto", "ON", "M5V 2T6", "CA"),
    ("Bristol", None, "BS1 4DJ", "GB"),
    ("Lyon", None, "69002", "FR"),
    ("Hamburg", None, "20095", "DE"),
)
_CARD_BRANDS = ("visa", "visa", "visa", "mastercard", "mastercard", "amex")


@dataclass(frozen=True)
class Card:
    """A card as far as a charge shows it. `payment_method` is the id of the PaymentMethod."""

    payment_method: str
    brand: str
    last4: str
    exp_month: int
    exp_year: int
    funding: str
    country: str

    def details(self) -> dict[str, Any]:
        return {
            "brand": self.brand,
            "country": self.country,
            "exp_month": self.exp_month,
            "exp_year": self.exp_year,
            "funding": self.funding,
            "last4": self.last4,
        }


@dataclass(frozen=True)
class Customer:
    id: str
    name: str
    email: str
    address: dict[str, Any]
    card: Card

    def billing_details(self) -> dict[str, Any]:
        return {"address": self.address, "email": self.email, "name": self.name, "phone": None, "tax_id": None}


def sign_up(journal: Journal, at: int) -> Customer:
    """Write down a new customer and the card they gave, at Unix time `at`."""
    rng = journal.rng
    first, last = rng.choice(_FIRST_NAMES.split()), rng.choice(_LAST_NAMES.split())
    city, state, postal_code, country = rng.choice(_PLACES)
    address = {
        "city": city,
        "country": country,
        "line1": f"{rng.randint(1, 240)} {rng.choice(_LAST_NAMES.split())} Street",
        "line2": None,
        "postal_code": postal_code,
        "state": state,
    }
    card = Card(
        payment_method=journal.new_id("payment_method"),
        brand=rng.choice(_CARD_BRANDS),
        last4=f"{rng.randint(0, 9999):04d}",
        exp_month=rng.randint(1, 12),
        exp_year=datetime.fromtimestamp(at, tz=timezone.utc).year + rng.randint(1, 5),
        funding=rng.choice(("credit", "credit", "debit")),
        country=country,
    )
    customer = Customer(
        id=journal.new_id("customer"),
        name=f"{first} {last}",
        email=f"{first}.{last}{rng.randint(1, 99)}@example.com".lower(),
        address=address,
        card=card,
    )
    journal.create(
        at,
        "customer",
        id=customer.id,
        address=address,
        balance=0,
        currency=CURRENCY,
        delinquent=False,
        description=f"{last} {rng.choice(_STUDIOS)}",
        email=customer.email,
        invoice_prefix=f"{rng.getrandbits(32):08X}",
        invoice_settings={
            "custom_fields": None,
            "default_payment_method": card.payment_method,
            "footer": None,
            "rendering_options": None,
        },
        metadata={"found_us_by": rng.choice(("search", "friend", "fair", "podcast"))},
        name=customer.name,
        preferred_locales=[],
        tax_exempt="none",
    )
    journal.create(
        at,
        "payment_method",
        id=card.payment_method,
        type="card",
        customer=customer.id,
        billing_details=customer.billing_details(),
        card=card.details(),
    )
    return customer
