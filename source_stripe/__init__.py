"""source-stripe: everything in a Stripe account, as Airbyte streams."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from source_stripe.source import SourceStripe

__all__ = ["SourceStripe"]


def __getattr__(name: str) -> Any:
    """The source, where Airbyte's tools look for it; only then the CDK is imported."""
    if name == "SourceStripe":
        from source_stripe.source import SourceStripe  # noqa: PLC0415

        return SourceStripe
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
