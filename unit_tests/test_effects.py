"""A key of the manifest that would do nothing where it stands is refused, with the stream's name and the key."""

from __future__ import annotations

from typing import Any

import pytest
from airbyte_cdk.models import ConfiguredAirbyteCatalog, SyncMode
from airbyte_cdk.test.catalog_builder import CatalogBuilder

from source_stripe import source
from source_stripe.catalog.effects import (
    _NEEDS,
    _PARENT_NEEDS,
    ALWAYS,
    ALWAYS_OF_PARENTS,
    NoEffectError,
    check_effects,
    without_effect,
)
from source_stripe.catalog.manifest import Manifest
from source_stripe.catalog.stream_rows import ParentRow, StreamRow
from source_stripe.source import SourceStripe
from tools.generate_docs import ROOT, read_rows
from unit_tests.conftest import KEY

ROWS = read_rows(ROOT / "manifest.yaml")

IN_VAIN: list[tuple[str, dict[str, Any], str]] = [
    # a stream that goes by no events
    ("tax_codes", {"events": ["tax_rate.created"]}, "events"),
    ("balance_transactions", {"events": ["tax_rate.created"]}, "events"),
    ("account", {"events": ["account.updated"]}, "events"),
    ("billing_meter_event_summaries", {"events": ["billing.meter.created"]}, "events"),
    ("billing_credit_balance_summaries", {"events": ["billing.credit_grant.created"]}, "events"),
    ("tax_codes", {"hides": ["review.closed"]}, "hides"),
    ("bank_accounts", {"hides": ["customer.source.deleted"]}, "hides"),
    ("invoice_line_items", {"hides": ["invoice.deleted"]}, "hides"),
    ("reserve_holds", {"hides": ["reserve.hold.updated"]}, "hides"),
    ("discounts", {"hides": ["customer.discount.deleted"]}, "hides"),
    ("tax_codes", {"deletes": ["tax_code.gone"]}, "deletes"),
    ("reserve_holds", {"deletes": ["reserve.hold.updated"]}, "deletes"),
    ("invoice_line_items", {"deletes": ["invoice.deleted"]}, "deletes"),
    ("tax_codes", {"touched_by": {"id": ["product.updated"]}}, "touched_by"),
    ("discounts", {"touched_by": {"coupon": ["coupon.updated"]}}, "touched_by"),
    ("invoice_line_items", {"touched_by": {"invoice": ["invoice.paid"]}}, "touched_by"),
    ("reserve_holds", {"touched_by": {"id": ["reserve.plan.created"]}}, "touched_by"),
    ("tax_codes", {"other_ids": {"product.*": ["prod_"]}}, "other_ids"),
    ("invoice_line_items", {"other_ids": {"invoice.paid": ["po_"]}}, "other_ids"),
    ("tax_codes", {"older_time_fields": ["date"]}, "older_time_fields"),
    ("reserve_holds", {"older_time_fields": ["date"]}, "older_time_fields"),
    ("invoice_line_items", {"older_time_fields": ["date"]}, "older_time_fields"),
    ("charges", {"event_object": ["refund"]}, "event_object"),
    ("invoice_line_items", {"event_object": ["invoice"]}, "event_object"),
    ("customer_tax_ids", {"event_object": ["tax_id"]}, "event_object"),
    ("discounts", {"event_object": ["customer"]}, "event_object"),
    ("customer_tax_ids", {"shown_in": "tax_ids"}, "shown_in"),
    # types that are none of the stream's
    ("charges", {"other_ids": {"payout.paid": ["po_"]}}, "other_ids.payout.paid"),
    ("subscriptions", {"deletes": ["customer.deleted"]}, "deletes.customer.deleted"),
    ("reviews", {"hides": ["review.lost"]}, "hides.review.lost"),
    ("tax_codes", {"open": {"field": "url", "values": [None]}}, "open"),
    ("customer_balance_transactions", {"open": {"field": "status", "values": ["open"]}}, "open"),
    ("tax_codes", {"refresh": [{"status": "open"}]}, "refresh"),
    ("quotes_line_items", {"refresh": [{"status": "open"}]}, "refresh"),
    # a stream that does not go by creation
    ("charges", {"lookback": 86_400}, "lookback"),
    ("tax_codes", {"lookback": 86_400}, "lookback"),
    ("account", {"lookback": 86_400}, "lookback"),
    ("invoice_line_items", {"lookback": 86_400}, "lookback"),
    ("mandates", {"lookback": 86_400}, "lookback"),
    ("charges", {"overlap": 600}, "overlap"),
    ("quotes", {"overlap": 600}, "overlap"),
    ("accounts", {"overlap": 600}, "overlap"),
    ("payment_attempt_records", {"overlap": 600}, "overlap"),
    ("invoice_line_items", {"time_field": "date"}, "time_field"),
    ("reserve_holds", {"time_field": "date"}, "time_field"),
    # a way of keeping up to date that there is nothing for
    ("radar_value_list_items", {"filter": None}, "sync"),
    ("charges", {"cursor": None}, "sync"),
    ("charges", {"events": []}, "sync"),
    ("balance_transactions", {"cursor": None}, "sync"),
    ("usage_records", {"sync": "parent"}, "sync"),
    ("external_account_cards", {"sync": "parent"}, "sync"),
    # no list
    ("discounts", {"paging": "none"}, "paging"),
    ("discounts", {"params": {"a": "b"}}, "params"),
    ("discounts", {"passes": [{"a": "b"}]}, "passes"),
    ("discounts", {"version": "2025-02-24.acacia"}, "version"),
    ("reserve_holds", {"expand": ["plan"]}, "expand"),
    # rows that are not got by their ids
    ("charges", {"get": "/v1/charges/{id}"}, "get"),
    ("tax_codes", {"get": "/v1/codes/{id}"}, "get"),
    ("balance", {"get": "/v1/balances/{id}"}, "get"),
    ("customer_tax_ids", {"get": "/v1/tax_ids/{id}"}, "get"),
    ("billing_credit_balance_summaries", {"get": "/v1/balances/{id}"}, "get"),
    ("invoice_line_items", {"include": ["tax"]}, "include"),
    ("reserve_holds", {"include": ["tax"]}, "include"),
    # parents
    ("invoice_line_items", {"may_refuse": True}, "may_refuse"),
    ("charges", {"product": True}, "product"),
    # what nobody tells of, of streams that are read whole, or can't be
    ("tax_codes", {"unseen": {"name": {"by": "nobody", "why": "No event."}}}, "unseen"),
    ("events", {"unseen": {"type": {"by": "relist", "why": "No event."}}}, "unseen.type"),
    ("mandates", {"parents": [{"stream": "charges", "as": "mandate"}]}, "parents"),
    ("invoice_line_items", {"parents": [{"stream": "charges"}, {"stream": "quotes"}]}, "parents"),
]
"""A stream of the manifest, what its row says too or otherwise, and the key that does nothing then."""

BELOW_IN_VAIN: list[tuple[str, dict[str, Any], str]] = [
    ("setup_attempts", {"hidden": True}, "parent.hidden"),
    ("customer_cash_balances", {"optional": True}, "parent.optional"),
    ("invoice_line_items", {"optional": True}, "parent.optional"),
    ("entitlements_active_entitlements", {"optional": True}, "parent.optional"),
    ("invoice_line_items", {"via": {"path": "/v1/x", "as": "y"}}, "parent.via"),
    ("invoice_line_items", {"id_from": ["latest"]}, "parent.id_from"),
    ("invoice_line_items", {"params_from": {"a": "b"}}, "parent.params_from"),
    ("setup_attempts", {"id_as": "setup_intent_id"}, "parent.id_as"),
    ("setup_attempts", {"as": None, "carries": ["created"], "id_as": "setup_intent"}, "parent.carries"),
    ("bank_accounts", {"named_by": "customer"}, "parent.named_by"),
]

FIRST_IN_VAIN: list[tuple[str, dict[str, Any], str]] = [
    ("billing_meter_event_summaries", {"where": {"status": "active"}}, "parents.where"),
    ("billing_credit_balance_summaries", {"named_by": "customer"}, "parents.named_by"),
    ("mandates", {"hidden": True}, "parents.hidden"),
]


def said(row: StreamRow, **keys: Any) -> StreamRow:
    """A row that says something else, or more."""
    return StreamRow.model_validate({**row.model_dump(by_alias=True), **keys})


def found(row: StreamRow) -> set[str]:
    return {key for key, _ in without_effect(row, {**ROWS, row.name: row})}


def of_parent(parent: ParentRow, keys: dict[str, Any]) -> dict[str, Any]:
    return {**parent.model_dump(by_alias=True), **keys}


@pytest.mark.parametrize("name", ROWS)
def test_every_key_of_the_manifest_has_an_effect(name: str) -> None:
    assert list(without_effect(ROWS[name], ROWS)) == []


@pytest.mark.parametrize(("name", "keys", "key"), IN_VAIN)
def test_a_key_without_effect_is_found(name: str, keys: dict[str, Any], key: str) -> None:
    assert key in found(said(ROWS[name], **keys))


@pytest.mark.parametrize(("name", "keys", "key"), BELOW_IN_VAIN)
def test_a_key_of_a_parent_without_effect_is_found(name: str, keys: dict[str, Any], key: str) -> None:
    (parent,) = ROWS[name].all_parents
    assert key in found(said(ROWS[name], parent=of_parent(parent, keys)))


@pytest.mark.parametrize(("name", "keys", "key"), FIRST_IN_VAIN)
def test_a_key_of_one_of_several_parents_without_effect_is_found(name: str, keys: dict[str, Any], key: str) -> None:
    first, *others = ROWS[name].parents
    parents = [of_parent(first, keys), *(of_parent(other, {}) for other in others)]
    assert key in found(said(ROWS[name], parents=parents))


def test_every_key_that_can_be_in_vain_is_tried() -> None:
    tried = {key.split(".")[0] for _, _, key in IN_VAIN}
    tried_below = {key.split(".")[1] for _, _, key in (*BELOW_IN_VAIN, *FIRST_IN_VAIN)}

    assert tried - {"parents"} == set(_NEEDS)
    assert tried_below == set(_PARENT_NEEDS)


def test_every_key_of_the_rows_always_has_an_effect_or_a_rule() -> None:
    assert ALWAYS | set(_NEEDS) == set(StreamRow.model_fields)
    assert ALWAYS_OF_PARENTS | set(_PARENT_NEEDS) == set(ParentRow.model_fields)
    assert not ALWAYS & set(_NEEDS)


def test_it_is_refused_with_the_streams_name_and_the_key() -> None:
    rows = {**ROWS, "tax_codes": said(ROWS["tax_codes"], events=["tax_rate.created"])}

    check_effects(rows, ["charges"])
    with pytest.raises(
        NoEffectError, match=r"^manifest.yaml: tax_codes: the key `events` has no effect: `sync` does not"
    ):
        check_effects(rows, rows)


@pytest.mark.parametrize("selected", ["tax_codes", None])
def test_the_manifest_is_refused_when_it_is_loaded(selected: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    manifest = Manifest.load(ROOT / "manifest.yaml")
    rows = {**manifest.rows, "tax_codes": said(ROWS["tax_codes"], events=["tax_rate.created"])}
    monkeypatch.setitem(vars(manifest), "rows", rows)
    monkeypatch.setattr(source, "_manifest", lambda: manifest)

    with pytest.raises(NoEffectError, match="tax_codes"):
        SourceStripe(selected and catalog(selected), {"client_secret": KEY}, [])
    assert SourceStripe(catalog("charges"), {"client_secret": KEY}, [])


def catalog(stream: str) -> ConfiguredAirbyteCatalog:
    return CatalogBuilder().with_stream(stream, SyncMode.full_refresh).build()
