"""Payouts know what they are made of: `/v1/balance_transactions?payout=` lists it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stripe_emulator import StripeEmulator


def settle(emulator: StripeEmulator) -> None:
    """Put every movement of the demo company's balance to the payout that took it to the bank.

    That is the first one after it became available. The payout's own movement belongs to it as well.
    """
    movements = [it for it in emulator.objects("balance_transaction") if it["type"] != "payout"]
    movements.sort(key=lambda movement: int(movement["available_on"]), reverse=True)
    for payout in reversed(emulator.objects("payout")):
        emulator.attach(payout["balance_transaction"], of=payout["id"])
        while movements and movements[-1]["available_on"] <= payout["created"]:
            emulator.attach(movements.pop()["id"], of=payout["id"])
