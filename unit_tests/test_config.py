"""Every config that can't be used is refused with a sentence that says what is wrong and where the right value is."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from source_stripe.catalog.config import API_URL, ConfigError, parse_config

KEY = "sk_test_emulator_4eC39HqLyjWDarjtT1zdp7dc"


@pytest.mark.parametrize(
    ("config", "sentences"),
    [
        pytest.param({}, ["client_secret is missing.", "https://dashboard.stripe.com/apikeys"], id="no key"),
        pytest.param({"client_secret": 7}, ["client_secret is missing."], id="key is no text"),
        pytest.param(
            {"client_secret": "pk_test_emulator_1"}, ["is a publishable key", "Use a secret"], id="publishable"
        ),
        pytest.param({"client_secret": "whsec_emulator"}, ["is a webhook signing secret"], id="webhook secret"),
        pytest.param({"client_secret": f"{KEY} "}, ["holds a space or a line break"], id="space behind the key"),
        pytest.param({"client_secret": "sk_test_a\nb"}, ["holds a space or a line break"], id="line break in the key"),
        pytest.param({"client_secret": "abc"}, ["is not a Stripe key", "rk_test_"], id="no Stripe key"),
        pytest.param({"client_secret": "sk_test_"}, ["is not a Stripe key"], id="prefix only"),
        pytest.param(
            {"account_id": "1032D82"}, ["account_id must look like acct_", "settings/account"], id="account id"
        ),
        pytest.param(
            {"start_date": "01.02.2024"}, ["start_date must be a UTC time like 2017-01-25T00:00:00Z"], id="date"
        ),
        pytest.param({"start_date": "2024-02-30"}, ["start_date must be a UTC time"], id="no such day"),
        pytest.param({"start_date": 1700000000}, ["start_date must be a UTC time"], id="Unix time"),
        pytest.param({"start_date": "2999-01-01T00:00:00Z"}, ["start_date lies in the future"], id="future"),
        pytest.param({"relist_days": 0}, ["relist_days must be a whole number, 1 or more"], id="relisting"),
        pytest.param(
            {"lookback_window_days": -1}, ["lookback_window_days must be a whole number, 0 or more"], id="back"
        ),
        pytest.param({"slice_range": 0}, ["slice_range must be a whole number, 1 or more"], id="slice range"),
        pytest.param({"num_workers": 0}, ["num_workers must be a whole number, 1 to 100"], id="no worker"),
        pytest.param({"num_workers": 101}, ["num_workers must be a whole number, 1 to 100"], id="too many workers"),
        pytest.param({"num_workers": True}, ["num_workers must be a whole number"], id="no number"),
        pytest.param({"call_rate_limit": "25"}, ["call_rate_limit must be a whole number"], id="text for a number"),
        pytest.param({"api_url": "ftp://x"}, ["api_url must be an address like https://api.stripe.com"], id="scheme"),
        pytest.param({"api_url": "https://u:p@x"}, ["api_url must be an address"], id="password in the address"),
        pytest.param(
            {"api_url": "http://10.0.0.1"}, ["api_url would send the secret key unencrypted to 10.0.0.1"], id="plain"
        ),
        pytest.param(
            {"api_url": "http://localhost.evil.com"}, ["would send the secret key unencrypted"], id="not loopback"
        ),
    ],
)
def test_bad_values_are_refused_with_a_sentence(config: dict[str, Any], sentences: list[str]) -> None:
    with pytest.raises(ConfigError) as refused:
        parse_config({"client_secret": KEY, **config} if config else config)

    assert str(refused.value).startswith("The config can't be used: ")
    for sentence in sentences:
        assert sentence in str(refused.value)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1@evil.com",
        "http://127.0.0.1:80@evil.com",
        "http://[::1]@evil.com",
        "http://evil.com\\@127.0.0.1",
        "http://127.0.0.1\\@evil.com",
        "http://127.0.0.1\t.evil.com",
        "http://127.0.0.1%00.evil.com",
        "http://127.0.0.1#@evil.com",
        "http://localhost.evil.com",
        "http://localhost.",
        "http://127.0.0.1.evil.com",
        "http://loc\u0430lhost",
        "http://0.0.0.0",
        "http://[::]",
        "http://2130706433",
        "http:127.0.0.1",
        "http://",
        "https://user:pw@host",
        "https://:pw@host",
        "https://@host",
        "https://host:99999",
        "https://host?x",
        "https://host/#x",
        "https://ho st",
        "https://host\n",
        "//host",
        7,
    ],
)
def test_no_trick_with_an_address_sends_the_key_anywhere(url: object) -> None:
    with pytest.raises(ConfigError, match=r"api_url (must be an address|would send the secret key unencrypted)"):
        parse_config({"client_secret": KEY, "api_url": url})


def test_all_that_is_wrong_is_said_at_once() -> None:
    with pytest.raises(ConfigError) as refused:
        parse_config({"client_secret": "pk_test_emulator_1", "start_date": "soon"})

    assert "publishable" in str(refused.value)
    assert "start_date" in str(refused.value)


@pytest.mark.parametrize("secret", ["pk_test_emulator_1", "abc def", "sk_live_!\u00e4"])
def test_a_refused_key_is_not_repeated(secret: str) -> None:
    with pytest.raises(ConfigError) as refused:
        parse_config({"client_secret": secret, "num_workers": "many"})

    assert secret not in str(refused.value)
    assert secret not in repr(refused.value.__cause__)


def test_a_config_of_airbytes_connector_is_understood() -> None:
    config = parse_config(
        {
            "client_secret": "rk_live_emulator1",
            "account_id": "acct_1032D82eZvKYlo2C",
            "start_date": "2017-01-25T00:00:00Z",
            "lookback_window_days": 0,
            "slice_range": 365,
            "num_workers": 10,
            "call_rate_limit": 25,
        }
    )

    assert config.live
    assert config.start_date == 1485302400
    assert config.lookback_window_days == 0


def test_what_is_left_out_has_a_default() -> None:
    config = parse_config({"client_secret": KEY, "account_id": "", "start_date": "", "api_url": ""})

    assert not config.live
    assert (config.account_id, config.start_date, config.api_url, config.num_workers) == (None, None, API_URL, 64)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:12111",
        "http://localhost:12111/",
        "HTTP://LocalHost",
        "http://[::1]:80",
        "https://stripe.test/",
        "https://gate_way.test:8443/stripe/v-1",
    ],
)
def test_addresses_that_keep_the_key_safe_are_taken(url: str) -> None:
    assert parse_config({"client_secret": KEY, "api_url": url}).api_url == url.rstrip("/")


def test_a_day_is_a_start_date() -> None:
    today = (datetime.now(timezone.utc) - timedelta(hours=1)).date()

    assert parse_config({"client_secret": KEY, "start_date": str(today)}).start_date is not None
    assert parse_config({"client_secret": KEY, "start_date": "2017-01-25"}).start_date == 1485302400


def test_the_config_does_not_show_its_secret() -> None:
    assert KEY not in repr(parse_config({"client_secret": KEY}))


@pytest.mark.parametrize(("asked", "taken"), [(1, 1), (64, 64), (65, 64), (100, 64)])
def test_more_workers_than_are_of_use_are_taken_as_those(asked: int, taken: int) -> None:
    config = parse_config({"client_secret": KEY, "num_workers": asked})

    assert config.num_workers == taken
    assert any("num_workers is taken as 64" in note for note in config.notes) == (asked > taken)


@pytest.mark.parametrize(("key", "live"), [("rkcs_test_emulator_1", False), ("rkcs_live_emulator_1", True)])
def test_keys_of_the_command_line_s_sandboxes_are_restricted_keys(key: str, live: bool) -> None:
    config = parse_config({"client_secret": key})

    assert config.key_kind == f"{'live' if live else 'test'} restricted key"
    assert config.live is live


@pytest.mark.parametrize(
    ("name", "meant"),
    [("startdate", "start_date"), ("account", "account_id"), ("Client_Secret", "client_secret"), ("filter", "filters")],
)
def test_a_mistyped_key_is_refused_with_the_right_one(name: str, meant: str) -> None:
    with pytest.raises(ConfigError, match=rf"{name} is no key of the config\. Did you mean {meant}\?"):
        parse_config({"client_secret": KEY, name: "x"})


def test_a_mistyped_key_is_said_beside_what_else_is_wrong() -> None:
    with pytest.raises(ConfigError, match=r"startdate is no key .* num_workers must be"):
        parse_config({"client_secret": KEY, "startdate": "2024-01-01", "num_workers": 0})


def test_any_other_key_is_not_used_and_said_so() -> None:
    config = parse_config({"client_secret": KEY, "flavour": "mint", "__injected": {}})
    assert config.notes == ("flavour is not used: it is no key of the config.",)
