"""The full account: the demo company, and some of everything else that an account can hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stripe_emulator.accounts import demo
from stripe_emulator.accounts.full.accounts_v2 import core
from stripe_emulator.accounts.full.billing import bill
from stripe_emulator.accounts.full.connect import connect
from stripe_emulator.accounts.full.issuing import issue
from stripe_emulator.accounts.full.maker import Maker
from stripe_emulator.accounts.full.money_management import move_money
from stripe_emulator.accounts.full.nested import nest
from stripe_emulator.accounts.full.paying import pay
from stripe_emulator.accounts.full.samples import DAY
from stripe_emulator.accounts.full.selling import stock
from stripe_emulator.accounts.full.settling import settle
from stripe_emulator.accounts.full.trading import trade
from stripe_emulator.accounts.full.treasury import bank
from stripe_emulator.accounts.full.usage import meter
from stripe_emulator.accounts.full.world import create_world

if TYPE_CHECKING:
    from stripe_emulator import StripeEmulator

__all__ = ["live_on", "populate", "populate_beside"]

_DAYS_AGO = (400, 90, 25, 6, 1)
"""When the eras began: two before the oldest event that Stripe keeps, three after it."""

_PARTS = (stock, nest, pay, bill, meter, connect, issue, bank, trade, core, move_money)


def populate(emulator: StripeEmulator, seed: int = 1) -> None:
    """Give an empty emulator the demo account, and with it something of every kind that Stripe can list.

    The same `seed` and the same now make the same account, to the last id.
    """
    demo.populate(emulator, seed)
    settle(emulator)
    populate_beside(emulator, seed)


def populate_beside(emulator: StripeEmulator, seed: int = 1) -> None:
    """What the full account has beside the demo account: it needs some customers, charges and the like to be there."""
    maker = Maker(emulator, seed)
    maker.begin(0, maker.now - (_DAYS_AGO[0] + 1) * DAY)
    create_world(maker)
    for era, days in enumerate(_DAYS_AGO):
        maker.begin(era, maker.now - days * DAY)
        for part in _PARTS:
            part(maker)
    emulator.clock.set(maker.now)


def live_on(emulator: StripeEmulator) -> None:
    """Everything once more, at the emulator's now."""
    era = len(emulator.objects("test_helpers.test_clock"))
    maker = Maker(emulator, seed=era)
    maker.begin(era, maker.now)
    for part in _PARTS:
        part(maker)
