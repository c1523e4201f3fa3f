"""Changes as a ledger keeps them, out of single ones."""

from __future__ import annotations

from collections.abc import Iterable

from source_stripe.objects.ledger import ById, Change, Changes, Ledger


def ledger_of(changes: Iterable[Change]) -> Changes:
    ledger = Ledger()
    for change in changes:
        ledger.take(change)
        for name, rows in change.listed.items():
            ledger.held(change.id, name, rows)
        if change.hidden:
            ledger.hide(change.id)
    return Changes.all_of(ledger)


def by_id(*changes: Change) -> ById:
    return ById(ledger_of(changes))
