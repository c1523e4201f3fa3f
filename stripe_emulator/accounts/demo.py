"""The demo account: Tidepool, a made-up company that sells booking software to small studios."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from stripe_emulator.accounts.business import Business
from stripe_emulator.accounts.catalogue import count_redemptions, stock
from stripe_emulator.accounts.journal import DAY, Journal, Step, replay
from stripe_emulator.accounts.live import live_on
from stripe_emulator.accounts.payments import Cashier
from stripe_emulator.accounts.payouts import pay_out

if TYPE_CHECKING:
    from stripe_emulator import StripeEmulator

__all__ = ["history", "live_on", "populate"]

HISTORY = 2 * 365 * DAY


def populate(emulator: StripeEmulator, seed: int = 1) -> None:
    """Give an empty emulator two years of a small company's business, up to its clock's now.

    The same `seed` and the same now make the same account, to the last id.
    """
    replay(emulator, history(emulator.clock.now(), seed))


def history(now: int, seed: int) -> list[Step]:
    """What `populate` replays: everything that happened in the company up to Unix time `now`, in order."""
    opened = (now - HISTORY) // DAY * DAY
    journal = Journal(seed)
    catalogue = stock(journal, opened)
    Business(Cashier(journal), catalogue, until=now).trade(opened + DAY)
    count_redemptions(journal, now, Counter())
    pay_out(journal, opened, now)
    return journal.until(now)
