"""Steps of a company that need none of the others: mandates, reviews, sources, v2 events."""

from __future__ import annotations

from integration_tests.company import Company


def detach_source(company: Company, which: int) -> None:
    if found := [row for row in company.alive("source") if row.fields["customer"]]:
        company.hide(found[which % len(found)])
        company.emulator.update(found[which % len(found)].key, customer=None)


def close_review(company: Company, which: int) -> None:
    if found := company.pick("review", which, open=True):
        company.hide(found)
        company.emulator.update(found.key, open=False, closed_reason="approved")


def tell_of_nothing(company: Company, _: int) -> None:
    """A v2 event that names no object."""
    company.emulator.write_v2_event("v2.core.account_link.returned", company.now, data={"account_id": "acct_1"})


def name_mandate(company: Company, which: int) -> None:
    """A setup intent or a charge names a mandate: a new one, or one that another names already."""
    found = company.pick("mandate", which) if which % 5 == 4 else None
    mandate = found.key if found else company.create("mandate")["id"]
    if which % 2:
        company.create("setup_intent", **{("mandate", "single_use_mandate")[which % 4 == 1]: mandate})
    else:
        company.create(
            "charge", payment_method_details={"type": "us_bank_account", "us_bank_account": {"mandate": mandate}}
        )
    company.tell(mandate)


def change_mandate(company: Company, which: int) -> None:
    if found := company.pick("mandate", which):
        company.emulator.update(found.key, status=("inactive", "active")[which % 2])
