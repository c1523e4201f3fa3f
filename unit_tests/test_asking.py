"""How Stripe is asked: read off the manifest's requester, error handler, budget and pace."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest

from source_stripe.catalog.asking import Asking, Patience
from source_stripe.catalog.config import parse_config
from source_stripe.catalog.manifest import Manifest
from unit_tests.conftest import ASKING, KEY, MANIFEST


def asking(**config: Any) -> Asking:
    return Asking.of(MANIFEST, parse_config({"client_secret": KEY, **config}))


@pytest.mark.parametrize(
    ("live", "call_rate_limit", "account", "endpoint", "files"),
    [(True, None, 80, 20, 16), (False, None, 20, 20, 16), (True, 50, 50, 12.5, 10), (False, 50, 50, 50, 40)],
)
def test_our_share_of_the_accounts_limit_is_that_of_its_endpoints_too(
    live: bool, call_rate_limit: int | None, account: float, endpoint: float, files: float
) -> None:
    key = KEY.replace("_test_", "_live_") if live else KEY

    limits = asking(client_secret=key, call_rate_limit=call_rate_limit).limits

    assert limits.account == pytest.approx(account)
    assert limits.of_endpoint("/v1/charges") == pytest.approx(endpoint)
    assert limits.of_endpoint("/v1/files") == pytest.approx(files)
    assert limits.of_endpoint("/v1/file_links") == pytest.approx(endpoint)


def test_waits_come_from_the_requester_its_error_handler_and_the_pace() -> None:
    assert ASKING.patience == Patience(
        connect=10, read=90, whole=180, first=0.5, longest=60, give_up_after=900, header="Retry-After"
    )


def test_who_waits_shortly_waits_shortly_for_each_part() -> None:
    short = ASKING.patience.at_most(20)

    assert (short.connect, short.read, short.whole, short.give_up_after) == (10, 20, 20, 20)
    assert (short.first, short.longest) == (0.5, 60)


def test_statuses_that_pass_come_from_the_response_filters() -> None:
    assert ASKING.judged.limited == {429}
    assert ASKING.judged.passing == {408, 409, *range(500, 600)}
    assert ASKING.judged.cursor_param == "starting_after"


@pytest.mark.parametrize(
    ("config", "headers"),
    [
        ({}, {}),
        ({"account_id": ""}, {}),
        ({"account_id": "acct_1"}, {"Stripe-Account": "acct_1"}),
    ],
)
def test_an_account_is_named_only_where_the_config_does(config: dict[str, Any], headers: dict[str, str]) -> None:
    assert asking(**config).headers == {"Stripe-Version": "2026-10-28.endive", **headers}


def test_a_template_has_the_address_without_its_last_slash() -> None:
    assert asking().url_base == "https://api.stripe.com"
    assert asking(api_url="http://127.0.0.1:8000/").url_base == "http://127.0.0.1:8000"


def test_another_manifest_asks_otherwise() -> None:
    """No value is written down beside the manifest."""
    text = deepcopy(MANIFEST.text)
    requester = text["definitions"]["requester"]
    pauses, growth = requester["error_handler"]["backoff_strategies"]
    pauses.update(header="X-Wait", max_waiting_time_in_seconds=7)
    growth["factor"] = 0.1
    requester["connect_timeout_in_seconds"] = 3
    text["definitions"]["rate_limited"] = [420]
    text["definitions"]["starting_after"]["page_token_option"]["field_name"] = "after"
    text["definitions"]["one_object"]["pace"]["give_up_after"] = 11
    text["api_budget"]["policies"][1]["rates"][0]["limit"] = "5"

    other = Asking.of(Manifest(text), parse_config({"client_secret": KEY}))

    waits = replace(ASKING.patience, connect=3, first=0.1, longest=7, give_up_after=11, header="X-Wait")
    assert other.patience == waits
    assert other.judged.limited == {420}
    assert other.judged.cursor_param == "after"
    assert other.limits.account == 5


def test_a_key_stands_in_no_representation() -> None:
    assert KEY not in repr(ASKING)


def test_a_budget_without_a_policy_for_the_account_is_refused() -> None:
    text = deepcopy(MANIFEST.text)
    text["api_budget"]["policies"].pop()

    with pytest.raises(ValueError, match="has no policy for all requests"):
        Asking.of(Manifest(text), parse_config({"client_secret": KEY}))
