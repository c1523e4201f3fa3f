"""The form that a platform makes of the spec: its patterns and examples agree with what the connector takes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import jsonschema
import pytest

from source_stripe.catalog.config import Config, ConfigError, parse_config
from source_stripe.source import SourceStripe
from tools.bad_configs import BAD_CONFIGS

SPEC: Mapping[str, Any] = SourceStripe().spec(None).connectionSpecification  # type: ignore[arg-type]
FIELDS: Mapping[str, Mapping[str, Any]] = SPEC["properties"]
KEY = "sk_test_emulator_1"
OK = {
    "client_secret": [KEY, "rk_live_emulator_1", "rkcs_test_emulator_1", "sk_org_live_emulator_1"],
    "account_id": ["", "acct_1032D82eZvKYlo2C"],
    "start_date": ["", "2017-01-25", "2017-01-25T00:00:00Z", "2017-01-25T00:00:00.123Z"],
    "part": ["", "1/1", "3/8", "1000/1000"],
}
"""By key with a pattern, what the connector takes."""


def test_the_form_has_each_key_of_the_config() -> None:
    assert FIELDS.keys() == Config.model_fields.keys() - {"notes"}
    assert sorted(field["order"] for field in FIELDS.values()) == list(range(len(FIELDS)))


def test_each_field_stands_in_a_group() -> None:
    assert {field["group"] for field in FIELDS.values()} == {group["id"] for group in SPEC["groups"]}


def test_what_nobody_needs_is_hidden() -> None:
    assert {name for name, field in FIELDS.items() if field.get("airbyte_hidden")} == {"api_url", "slice_range"}


def test_each_pattern_is_told_in_words() -> None:
    patterns = {name for name, field in FIELDS.items() if "pattern" in field}
    assert patterns == {name for name, field in FIELDS.items() if "pattern_descriptor" in field} == OK.keys()


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in OK.items() for value in values])
def test_a_pattern_lets_pass_what_the_connector_takes(name: str, value: str) -> None:
    several = {"connected_accounts": ["acct_1"]} if name == "part" or value.startswith("sk_org") else {}
    parse_config({"client_secret": KEY, name: value, **several})
    assert re.search(FIELDS[name]["pattern"], value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        (name, value)
        for _, config in BAD_CONFIGS
        for name, value in config.items()
        if "pattern" in FIELDS.get(name, {}) and len(config) == 1
        # These are right by themselves.
        if value not in ("sk_org_test_example", "1/8", "9/8", "2999-01-01")
    ],
)
def test_a_pattern_refuses_what_the_connector_refuses(name: str, value: str) -> None:
    with pytest.raises(ConfigError):
        parse_config({"client_secret": KEY, name: value})
    assert not re.search(FIELDS[name]["pattern"], value)


@pytest.mark.parametrize(
    ("name", "example"), [(name, example) for name, field in FIELDS.items() for example in field.get("examples", ())]
)
def test_each_example_validates(name: str, example: Any) -> None:
    several = {"connected_accounts": ["acct_1"]} if name == "part" else {}
    config = {"client_secret": KEY, **several, name: example}
    parse_config(config)
    jsonschema.validate(config, SPEC, format_checker=jsonschema.FormatChecker())
