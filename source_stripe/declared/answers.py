"""Answers to what is asked beside a stream's own pages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airbyte_cdk.sources.declarative.requesters.requester import Requester

from source_stripe.api.values import Row


def answer_to(requester: Requester, path: str, params: Mapping[str, Any]) -> Row:
    """The decoded answer to a GET. Raises ValueError where the CDK's error handler ignores the response."""
    response = requester.send_request(path=path, request_params=params)
    if response is None:
        raise ValueError(f"GET {path} brought no answer")
    answer: Row = response.json()
    return answer
