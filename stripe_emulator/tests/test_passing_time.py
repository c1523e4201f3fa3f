"""Time changes objects when they say it will, and no event tells of it."""

from typing import Any

import pytest

from stripe_emulator import StripeEmulator

_DAY = 86_400


@pytest.mark.parametrize(
    ("kind", "fields", "at", "changed", "before", "after"),
    [
        ("balance_transaction", {"status": "pending"}, "available_on", "status", "pending", "available"),
        ("file_link", {"expired": False}, "expires_at", "expired", False, True),
        ("coupon", {"valid": True}, "redeem_by", "valid", True, False),
        ("promotion_code", {"active": True}, "expires_at", "active", True, False),
    ],
)
def test_an_object_changes_when_its_time_has_come(
    emulator: StripeEmulator, kind: str, fields: dict[str, Any], at: str, changed: str, before: Any, after: Any
) -> None:
    given: dict[str, Any] = {**fields, at: emulator.clock.now() + _DAY}
    made = emulator.create(kind, event=False, **given)["id"]
    emulator.pass_time(_DAY - 1)
    assert emulator.get(made)[changed] == before
    emulator.pass_time(1)
    assert emulator.get(made)[changed] == after
    assert emulator.objects("event") == []


def test_a_dispute_is_past_due_when_its_evidence_is(emulator: StripeEmulator) -> None:
    due = {"due_by": emulator.clock.now() + _DAY, "past_due": False, "submission_count": 3}
    dispute = emulator.create("dispute", event=False, evidence_details=due)["id"]
    emulator.pass_time(_DAY)
    assert emulator.get(dispute)["evidence_details"]["past_due"] is True
    assert emulator.get(dispute)["evidence_details"]["submission_count"] == 3


def test_what_says_no_time_stays(emulator: StripeEmulator) -> None:
    link = emulator.create("file_link", event=False, expires_at=None, expired=False)["id"]
    emulator.pass_time(_DAY)
    assert emulator.get(link)["expired"] is False
