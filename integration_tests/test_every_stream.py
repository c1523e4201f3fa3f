"""Every stream of the manifest, read whole from an account that has some of everything."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import orjson
import pytest
from jsonschema import Draft7Validator

from integration_tests.syncing import Sync, sync
from source_stripe.catalog.package_files import resource
from stripe_emulator import StripeEmulator
from unit_tests.conftest import ROWS

THREE = {"disputes": "dispute", "products": "product", "setup_intents": "setup_intent"}


@pytest.fixture(scope="module")
def everything(account: StripeEmulator) -> Sync:
    return sync(account, ROWS, mode="full_refresh", num_workers=16)


def undeclared(value: Any, schema: Mapping[str, Any], path: str = "") -> Iterator[str]:
    """The paths of a value that its schema does not name, where it names any."""
    if isinstance(value, list):
        for element in value:
            yield from undeclared(element, schema.get("items", {}), f"{path}[]")
    if isinstance(value, dict) and (properties := schema.get("properties")):
        for name, inside in value.items():
            if name not in properties:
                yield f"{path}.{name}"
            else:
                yield from undeclared(inside, properties[name], f"{path}.{name}")


def test_every_stream_is_read_to_its_end(everything: Sync) -> None:
    assert everything.output.errors == []
    assert everything.code == 0
    assert everything.output.statuses == dict.fromkeys(ROWS, "COMPLETE")


def test_every_stream_has_rows(everything: Sync) -> None:
    rows = Counter(message["record"]["stream"] for message in everything.output.messages if "record" in message)

    assert {name for name in ROWS if not rows[name]} == set()


@pytest.mark.parametrize("name", ROWS)
def test_rows_are_as_their_schema_says(everything: Sync, name: str) -> None:
    schema = orjson.loads(resource(f"schemas/{name}.json").read_bytes())
    validator = Draft7Validator(schema)

    for row in everything.output.records(name):
        assert [f"{error.json_path}: {error.message[:200]}" for error in validator.iter_errors(row)] == []
        assert list(undeclared(row, schema)) == []


@pytest.mark.parametrize("name", ROWS)
def test_primary_keys_are_there_and_unique(everything: Sync, name: str) -> None:
    found = Counter(tuple(row[key] for key in ROWS[name].primary_key) for row in everything.output.records(name))

    assert all(None not in key for key in found)
    assert [key for key, times in found.items() if times > 1] == []


def test_no_request_is_one_that_stripe_refuses(account: StripeEmulator, everything: Sync) -> None:
    assert everything.lines
    refused = {(request.pattern, request.status) for request in account.requests if request.status != 200}

    assert refused == set()


def test_a_restricted_key_reads_what_it_may_and_says_what_it_may_not(account: StripeEmulator) -> None:
    key = account.restricted_key(*THREE.values())
    others = ["charges", "payouts", "tax_rates"]

    done = sync(account, [*THREE, *others], mode="full_refresh", client_secret=key)

    assert done.code == 1
    assert done.output.statuses == {**dict.fromkeys(THREE, "COMPLETE"), **dict.fromkeys(others, "INCOMPLETE")}
    for name, kind in THREE.items():
        assert set(done.output.ids(name)) == {row["id"] for row in account.truth(kind)}
    for permission in ("rak_charge_read", "rak_payout_read", "rak_tax_rate_read"):
        assert any(permission in error for error in done.output.errors)


def test_a_product_that_the_account_has_not_is_an_empty_stream(account: StripeEmulator) -> None:
    account.disable("issuing")
    try:
        done = sync(account, ["cards", "products"], mode="full_refresh")
    finally:
        account.disabled.clear()

    assert done.code == 0
    assert done.output.statuses == {"cards": "COMPLETE", "products": "COMPLETE"}
    assert done.output.records("cards") == []
    (warning,) = [log for log in done.output.logs if log.startswith("WARN")]
    assert warning.startswith("WARN The stream cards stays empty. The account does not have what /v1/issuing/cards ")
    assert "Your account is not set up to use Issuing." in warning
