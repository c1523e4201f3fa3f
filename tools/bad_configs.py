"""Configs that are refused, an example for each sentence: docs/errors.md shows them."""

from __future__ import annotations

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
    ("A field needs its stream.", {"expand": ["customer"]}),
    ("A parameter needs its stream, and a value.", {"filters": ["customer=cus_123"]}),
    ("It is neither of the two words, nor a list.", {"connected_accounts": 7}),
    ("One of them is no account's ID.", {"connected_accounts": ["1032D82eZvKYlo2C"]}),
    ("Its rows would come twice.", {"connected_accounts": ["acct_1", "acct_1"]}),
    ("It is of another form, or there is no such part.", {"part": "9/8"}),
    ("It is no truth value.", {"rate_limit_per_account": 1}),
    ("It is an organization's key, and the config lists no accounts.", {"client_secret": "sk_org_test_example"}),
    ("Both say which accounts are read.", {"account_id": "acct_1", "connected_accounts": "all"}),
    ("Only an organization's key is asked for accounts of an account.", {"connected_accounts": ["acct_1/acct_2"]}),
    ("It is no key, but much like one.", {"startdate": "2024-01-01"}),
    ("There is nothing to share.", {"part": "1/8"}),
    ("There is one account, whose limit is call_rate_limit.", {"rate_limit_per_account": True}),
    (
        "It has more than a host, a port and a path: a user name, a query or an escape could lead the key elsewhere.",
        {"api_url": "https://user@api.stripe.com"},
    ),
    ("Who listens on the way would have the key.", {"api_url": "http://stripe.example.com"}),
)
"""What is wrong with a config, and one in which it is."""


BAD_EXPANSIONS: tuple[tuple[str, Mapping[str, list[str]]], ...] = (
    ("The name is misspelt.", {"charge": ["customer"]}),
    ("What there is can't be expanded further, or there is no such field.", {"charges": ["amount"]}),
    ("It is secret, and of no use in a warehouse.", {"cards": ["number"]}),
    (
        "Stripe expands four levels, of which a list takes one.",
        {"charges": ["customer.default_source.customer.default_source"]},
    ),
)
"""What is wrong with `expand`, and an example."""


BAD_FILTERS: tuple[tuple[str, Mapping[str, Any]], ...] = (
    ("The name is misspelt.", {"charge": {"customer": "cus_123"}}),
    ("Stripe's list can't be asked for it.", {"charges": {"amount": 5}}),
    ("A row can't be tested for it, or the connector sets it.", {"balance_transactions": {"payout": "po_123"}}),
    ("No list has it.", {"customers": {"currency": "usd"}}),
    ("The value is misspelt.", {"invoices": {"status": "payed"}}),
    ("It is another kind of value.", {"products": {"active": "yes"}}),
    ("Bounds are missing.", {"payouts": {"arrival_date": "2026-01-01"}}),
    ("The bounds are the wrong way round.", {"payouts": {"arrival_date": {"gte": "2026-02-01", "lt": "2026-01-01"}}}),
    ("Stripe would refuse it.", {"invoices": {"customer": "cus_123", "customer_account": "acct_123"}}),
)
"""What is wrong with `filters`, and an example."""
