"""Some objects say themselves when they changed last: a row's `updated` is never older than that."""

from __future__ import annotations

import pytest

from integration_tests.connection import stream_rows
from integration_tests.test_holes import DAY, replica_of
from stripe_emulator import StripeEmulator
from stripe_emulator.clock import rfc3339
from tools.stripe_types import object_type

OWN = {
    "billing_credit_grants": "billing.credit_grant",
    "billing_meters": "billing.meter",
    "billing_portal_configurations": "billing_portal.configuration",
    "products": "product",
    "v2_core_account_persons": "v2.core.account_person",
}


def test_these_streams_have_an_updated_of_stripe_s_own() -> None:
    ours = {row.name: row.object[0] for row in stream_rows().values() if row.cursor == "updated"}

    assert {stream: kind for stream, kind in ours.items() if "updated" in names_of(kind)} == OWN


def names_of(kind: str) -> set[str]:
    """The names of an object's fields."""
    return {field.name for field in object_type(kind).fields}


@pytest.mark.parametrize("stream", OWN)
def test_what_stripe_says_itself_is_not_replaced_by_what_is_older(emulator: StripeEmulator, stream: str) -> None:
    kind, v2 = OWN[stream], stream.startswith("v2_")
    replica = replica_of(emulator, stream)
    fields = {"account": emulator.create("v2.core.account")["id"]} if v2 else {}
    made = emulator.create(kind, **fields)["id"]
    created = emulator.clock.now()
    emulator.clock.advance(40 * DAY)
    changed = emulator.clock.now()
    emulator.update(made, event=False, updated=rfc3339(changed) if v2 else changed)
    emulator.clock.advance(3_600)
    (first,) = replica.sync().output.records(stream)
    emulator.update(made, updated=rfc3339(created) if v2 else created)
    told = emulator.clock.now()
    emulator.clock.advance(60)
    (second,) = replica.sync().output.records(stream)

    assert (first["updated"], second["updated"]) == (changed, told)


def test_a_tombstone_is_no_older_than_its_object_says(emulator: StripeEmulator) -> None:
    """Clocks of Stripe's may differ."""
    replica = replica_of(emulator, "products")
    ahead = emulator.clock.now() + 7_200
    product = emulator.create("product", updated=ahead)["id"]
    emulator.clock.advance(60)
    (first,) = replica.sync().output.records("products")
    emulator.delete(product)
    emulator.clock.advance(60)
    (gone,) = replica.sync().output.records("products")

    assert (first["updated"], gone["updated"], gone["is_deleted"]) == (ahead, ahead, True)
    assert replica.connection.table("products") == {}
