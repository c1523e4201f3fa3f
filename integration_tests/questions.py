"""Questions in SQL to an emulated account, and what each costs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from source_stripe.sql.metering import Confirm, Meter, refuse
from source_stripe.sql.session import Session
from stripe_emulator import StripeEmulator

HOUR = 3_600


@dataclass(frozen=True)
class Asked:
    """An answer, and the requests that it took."""

    rows: list[tuple[Any, ...]]
    paths: list[str]

    @property
    def requests(self) -> int:
        return len(self.paths)


def opened(emulator: StripeEmulator, confirm: Confirm = refuse, **config: Any) -> Session:
    """A session at an emulator, as quick as it can be."""
    usual = {"client_secret": emulator.key, "api_url": emulator.url, "call_rate_limit": 10_000}
    return Session({**usual, **config}, Meter(confirm))


def ask(emulator: StripeEmulator, session: Session, question: str, *, agreed: bool = False) -> Asked:
    """Ask, and fetch all of the answer."""
    emulator.requests.clear()
    rows = session.answer(question, agreed=agreed).fetchall()
    return Asked(rows, [request.path for request in emulator.requests])


def shop(emulator: StripeEmulator, customers: int = 40, charges: int = 965) -> list[str]:
    """Customers, c0@example.com and so on, who take turns with a charge each hour. Returns their ids."""
    ids = [
        emulator.create("customer", email=f"c{number}@example.com", event=False)["id"] for number in range(customers)
    ]
    begun = emulator.clock.now() - charges * HOUR
    for number in range(charges):
        emulator.create(
            "charge",
            customer=ids[number % customers],
            amount=100 + number,
            created=begun + number * HOUR,
            event=False,
        )
    return ids
