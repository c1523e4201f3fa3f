"""Ask Stripe in SQL: from the command line, and from Python.

    from source_stripe.sql import connect

    stripe = connect({"client_secret": "rk_test_..."})
    stripe.sql("SELECT id, amount FROM charges ORDER BY created DESC LIMIT 10").fetchall()

It needs the packages of `pip install "source-stripe[sql]"`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from source_stripe.sql.extra import needs_extra

if TYPE_CHECKING:
    from source_stripe.sql.door import Stripe, connect

__all__ = ["Stripe", "connect"]


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    with needs_extra():
        from source_stripe.sql import door  # noqa: PLC0415 - with what the plain install does not have
    return getattr(door, name)
