"""Nested lists, made whole: Stripe cuts them at ten."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import requests
from airbyte_cdk.sources.declarative.extractors.record_extractor import RecordExtractor
from airbyte_cdk.sources.declarative.requesters.paginators import Paginator
from airbyte_cdk.sources.declarative.requesters.requester import Requester

from source_stripe.api.values import Row
from source_stripe.catalog.expanding import paths_below
from source_stripe.declared.answers import answer_to
from source_stripe.objects.paths import objects_at


@dataclass
class WholeListsExtractor(RecordExtractor):
    """The objects of an answer, which is a list or the object itself. The retriever says which, and their lists."""

    field_path: Sequence[str]
    """Empty where the answer is the object itself."""
    requester: Requester
    """Asks for the rest of a list. One of its own: the stream's sends its parameters with every request."""
    paginator: Paginator
    """How the rest of a list is asked for."""
    kinds: frozenset[str] = field(default=frozenset(), init=False)
    nested: Mapping[str, str] = field(default_factory=dict, init=False)
    leaves_out: Sequence[str] = field(default=(), init=False)
    expand: Sequence[str] = field(default=(), init=False)
    from_events: bool = field(default=False, init=False)
    """Whether the answer lists events that carry the objects."""

    def extract_records(self, response: requests.Response) -> Iterable[Mapping[str, Any]]:
        for row in self._objects(response.json()):
            if "object" not in row or not self.kinds or row["object"] in self.kinds:
                for path, listed in self.nested.items():
                    self._complete(row, path, listed)
                yield {name: value for name, value in row.items() if name not in self.leaves_out}

    def _objects(self, body: Row) -> Iterable[Row]:
        rows: list[Row] = body["data"] if self.field_path or body.get("object") == "list" else [body]
        return (row["data"]["object"] for row in rows) if self.from_events else rows

    def _complete(self, row: Row, path: str, listed: str) -> None:
        """Put the rest of a list behind what stands of it in a row."""
        way, _, name = path.rpartition(".")
        endpoint, _, param = listed.partition("?")
        for owner in objects_at(row, way) if way else (row,):
            held = owner.get(name)
            if not isinstance(held, dict):
                continue
            asked: dict[str, Any] = {
                "expand[]": [f"data.{below}" for below in paths_below(f"{path}.data.", self.expand)]
            }
            if param:
                asked[param] = owner.get("id", row["id"])
            while held.get("has_more"):
                rest = self._page_behind(held["data"][-1], endpoint.replace("{id}", str(row["id"])), asked)
                held["data"] += rest["data"]
                held["has_more"] = rest["has_more"]

    def _page_behind(self, last: Row, path: str, asked: Mapping[str, Any]) -> Row:
        place = self.paginator.get_request_params(next_page_token={"next_page_token": last["id"]})
        params = {name: value for name, value in {**asked, **place}.items() if value}
        return answer_to(self.requester, path, params)
