"""Money out to the company's bank: one payout a working day of all that has become available."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from datetime import datetime, timezone

from stripe_emulator.accounts.catalogue import CURRENCY
from stripe_emulator.accounts.journal import DAY, HOUR, Journal
from stripe_emulator.accounts.payments import balance_transaction

BANK_ACCOUNT = "ba_1TidepoolOperatingAccount"
_SATURDAY = 5
_FAILURES = 2


def pay_out(journal: Journal, opened: int, now: int) -> None:
    """Write down the payouts of what the journal holds on Unix times `opened` to `now`.

    A payout is the sum of the net amounts that became available since the one before. A few come back from the bank;
    their money goes out with a later one.
    """
    becoming_available = [
        (int(step.fields["available_on"]), int(step.fields["net"]))
        for step in journal.until(now)
        if step.kind == "balance_transaction"
    ]
    heapq.heapify(becoming_available)
    mornings = list(_working_mornings(opened, now))
    failing = set(journal.rng.sample(mornings[:-20], _FAILURES))
    balance = 0
    for morning in mornings:
        while becoming_available and becoming_available[0][0] <= morning:
            balance += heapq.heappop(becoming_available)[1]
        if balance <= 0:
            continue
        payout = send(journal, morning, balance)
        if morning in failing:
            at = morning + 3 * DAY
            _come_back(journal, at, payout, balance)
            heapq.heappush(becoming_available, (at, balance))
        else:
            journal.update(_arrival(morning), payout, event="payout.paid", status="paid")
        balance = 0


def send(journal: Journal, at: int, amount: int) -> str:
    """A payout of `amount` cents that is on its way; returns its id."""
    payout = journal.new_id("payout")
    movement = balance_transaction(journal, at, "payout", -amount, payout)
    return journal.create(
        at,
        "payout",
        id=payout,
        amount=amount,
        arrival_date=_arrival(at),
        automatic=True,
        balance_transaction=movement["id"],
        currency=CURRENCY,
        description="STRIPE PAYOUT",
        destination=BANK_ACCOUNT,
        method="standard",
        reconciliation_status="completed",
        source_type="card",
        status="in_transit",
        type="bank_account",
    )


def _come_back(journal: Journal, at: int, payout: str, amount: int) -> None:
    movement = balance_transaction(journal, at, "payout_failure", amount, payout)
    journal.update(
        at,
        payout,
        event="payout.failed",
        failure_balance_transaction=movement["id"],
        failure_code="could_not_process",
        failure_message="The bank could not process this payout.",
        status="failed",
    )


def _working_mornings(opened: int, now: int) -> Iterator[int]:
    for midnight in range((opened // DAY + 1) * DAY, now + 1, DAY):
        if _is_working_day(midnight) and midnight + HOUR <= now:
            yield midnight + HOUR


def _arrival(at: int) -> int:
    """Midnight (UTC) of the second working day after Unix time `at`."""
    midnight = at // DAY * DAY
    for _ in range(2):
        midnight += DAY
        while not _is_working_day(midnight):
            midnight += DAY
    return midnight


def _is_working_day(at: int) -> bool:
    return datetime.fromtimestamp(at, tz=timezone.utc).weekday() < _SATURDAY
