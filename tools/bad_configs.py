"""Configs that are refused, one for each sentence that says what is wrong with a config."""

from collections.abc import Mapping
from typing import Any

BAD_CONFIGS: tuple[tuple[str, Mapping[str, Any]], ...] = (
    ("There is no key.", {"client_secret": ""}),
    ("The key was copied with something around it.", {"client_secret": "sk_live_... "}),
    ("The key is of another kind, here a publishable one.", {"client_secret": "pk_live_..."}),
    ("It is a webhook's secret.", {"client_secret": "whsec_..."}),
    ("It is an ephemeral key.", {"client_secret": "ek_live_..."}),
    ("It is no key of Stripe's at all.", {"client_secret": "token"}),
    ("It is no account's ID.", {"account_id": "1032D82eZvKYlo2C"}),
    ("Stripe's times are in UTC, and so is this one.", {"start_date": "25.01.2017"}),
    ("Nothing was created then yet.", {"start_date": "2999-01-01"}),
    ("It is no number, or one below 0.", {"lookback_window_days": -1}),
    ("It is no number, or one below 1.", {"relist_days": 0}),
    ("It is no number, or one below 1. The connector does not use it.", {"slice_range": 0}),
    ("It is no number, or out of range.", {"num_workers": 101}),
    ("It is no number, or one below 1.", {"call_rate_limit": 0}),
    ("It is of another form.", {"expand": ["customer"]}),
    ("It is neither of the two words, nor a list.", {"connected_accounts": 7}),
    ("One of them is no account's ID.", {"connected_accounts": ["1032D82eZvKYlo2C"]}),
    ("Its rows would come twice.", {"connected_accounts": ["acct_1", "acct_1"]}),
    ("It is of another form, or there is no such part.", {"part": "9/8"}),
    ("It is no truth value.", {"rate_limit_per_account": 1}),
    ("It is an organization's key, and the config lists no accounts.", {"client_secret": "sk_org_test_example"}),
    ("Both say which accounts are read.", {"account_id": "acct_1", "connected_accounts": "all"}),
    ("Only an organization's key is asked for accounts of an account.", {"connected_accounts": ["acct_1/acct_2"]}),
    ("There is nothing to share.", {"part": "1/8"}),
    ("There is one account, whose limit is call_rate_limit.", {"rate_limit_per_account": True}),
    (
        "It has more than a host, a port and a path: a user name, a query or an escape could lead the key elsewhere.",
        {"api_url": "https://user@api.stripe.com"},
    ),
    ("Who listens on the way would have the key.", {"api_url": "http://stripe.example.com"}),
)
"""What is wrong with a config, and one in which it is."""
