"""What left Stripe's API before the pinned version, and is still served to requests of an older one.

Usage records went with 2025-03-31.basil, for billing meters. The `stripe` package knows nothing of them any more.
"""

from stripe_emulator.facts import Endpoint
from tools import stripe_types
from tools.stripe_types import Field, ObjectType, Scalar

ENDPOINTS = (
    Endpoint(
        path="/v1/subscription_items/{subscription_item}/usage_record_summaries",
        objects=("usage_record_summary",),
        pages="cursor",
        params={},
        required=(),
        until="2025-02-24.acacia",
    ),
)

_PERIOD = ObjectType(
    "period", tuple(Field(name, Scalar("integer"), nullable=True, description="") for name in ("start", "end"))
)
_TYPES = {
    "usage_record_summary": ObjectType(
        "usage_record_summary",
        (
            Field("id", Scalar("string"), nullable=False, description=""),
            Field("object", Scalar("string", values=("usage_record_summary",)), nullable=False, description=""),
            Field("invoice", Scalar("string"), nullable=True, description=""),
            Field("livemode", Scalar("boolean"), nullable=False, description=""),
            Field("period", _PERIOD, nullable=False, description=""),
            Field("subscription_item", Scalar("string"), nullable=False, description=""),
            Field("total_usage", Scalar("integer"), nullable=False, description=""),
        ),
    )
}


def object_type(kind: str) -> ObjectType:
    """The type of one of Stripe's objects, the retired ones included. Raises `stripe_types.UnknownObjectError`."""
    return _TYPES.get(kind) or stripe_types.object_type(kind)
