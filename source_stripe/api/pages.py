"""Pages of Stripe's lists: how each kind of list is paged, and what a page must look like.

More rows than were asked for are no fault: none is lost, and none comes twice.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol
from urllib.parse import parse_qsl, urlsplit

from airbyte_cdk.models import FailureType

from source_stripe.api.errors import StreamFailure
from source_stripe.api.values import Params, Row

_SHOWN = 100
"""Letters of a wrong value in a message."""


class MalformedPage(StreamFailure):
    """A list answer that breaks Stripe's own rules; to go on would loop or lose rows."""

    def __init__(self, path: str, what: str, *, of_one: bool = False) -> None:
        """`of_one`: the failure is about what stands in one object, and no other."""
        self.of_one = of_one
        super().__init__(
            message=f"Stripe's answer to GET {path} can't be right: {what}. Sync again; if it stays, report it.",
            internal_message=f"malformed page of {path}: {what}",
            failure_type=FailureType.system_error,
        )


class MalformedObject(StreamFailure):
    """An answer that is another object than the one that was asked for: its row would replace the wrong one."""

    def __init__(self, path: str, what: str) -> None:
        super().__init__(
            message=f"Stripe's answer to GET {path} is not what was asked for: {what}. Sync again; if it stays, report "
            "it.",
            internal_message=f"malformed object of {path}: {what}",
            failure_type=FailureType.system_error,
        )


@dataclass(frozen=True)
class Page:
    """Rows as Stripe gave them, newest first, and the cursor of the next page: None behind the last one.

    `met` has the cursors of this page and of those before it.
    """

    rows: list[Row]
    next: str | None = None
    met: set[str] = field(default_factory=set, compare=False, repr=False)

    def __post_init__(self) -> None:
        if self.next is not None:
            self.met.add(self.next)

    def taken(self) -> None:
        """Let go of its rows. Their ids stay: finding the next page may take them."""
        self.rows[:] = [{"id": row.get("id")} for row in self.rows]

    def without_last(self) -> Page | None:
        """The page without its last row, so that the list goes on behind the one before. None where no row is left."""
        return replace(self, rows=self.rows[:-1], next=str(self.rows[-2]["id"])) if len(self.rows) > 1 else None


class Paging(Protocol):
    """How a list is paged: `params` make the request of a page, and `page` reads its answer. Shared by all threads."""

    def params(self, asked: Params, previous: Page | None) -> Params:
        """The parameters of the page behind `previous`, or of the first, of a list that is asked for with `asked`."""

    def page(self, body: Mapping[str, Any], path: str, previous: Page | None) -> Page:
        """The answer as a page. Raises MalformedPage."""


@dataclass(frozen=True)
class StartingAfter:
    """v1: the next page starts after the last row's id (https://docs.stripe.com/api/pagination)."""

    page_size_param: str
    page_size: int
    cursor_param: str

    def params(self, asked: Params, previous: Page | None) -> Params:
        size = (self.page_size_param, str(self.page_size))
        if previous is None or previous.next is None:
            return (*asked, size)
        return (*asked, size, (self.cursor_param, previous.next))

    def page(self, body: Mapping[str, Any], path: str, previous: Page | None) -> Page:
        rows, has_more = _rows(body, path), body.get("has_more")
        if not isinstance(has_more, bool):
            raise MalformedPage(path, "it is no list")
        if has_more and not rows:
            raise MalformedPage(path, "there is more, but no row to go on from")
        met = previous.met if previous else set()
        if again := next((row["id"] for row in rows if row["id"] in met), None):
            raise MalformedPage(path, f"a page after {again} holds {again} again")
        return Page(rows, str(rows[-1]["id"]) if has_more else None, met)


@dataclass(frozen=True)
class NextPageUrl:
    """v2: every page names the address of the next (https://docs.stripe.com/api-v2-overview#list-pagination)."""

    page_size_param: str
    page_size: int

    def params(self, asked: Params, previous: Page | None) -> Params:
        if previous is None or previous.next is None:
            return (*asked, (self.page_size_param, str(self.page_size)))
        # Only the query is taken: the key goes to no other host or path.
        return tuple(parse_qsl(urlsplit(previous.next).query))

    def page(self, body: Mapping[str, Any], path: str, previous: Page | None) -> Page:
        rows, met = _rows(body, path), previous.met if previous else set()
        if "next_page_url" not in body:
            raise MalformedPage(path, "it does not say whether there is more")
        url = body["next_page_url"]
        if url is None:
            return Page(rows, None, met)
        if not isinstance(url, str) or url in met or not urlsplit(url).query:
            raise MalformedPage(path, "its next_page_url leads nowhere new")
        if not re.search(re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(path)) + "$", urlsplit(url).path):
            raise MalformedPage(path, "its next_page_url leads to another list")
        return Page(rows, url, met)


@dataclass(frozen=True)
class OneAnswer:
    """A list without pages: it comes in one answer."""

    def params(self, asked: Params, previous: Page | None) -> Params:
        return asked

    def page(self, body: Mapping[str, Any], path: str, previous: Page | None) -> Page:
        if body.get("has_more") or body.get("next_page_url"):
            raise MalformedPage(path, "there is more than comes in one answer")
        return Page(_rows(body, path))


@dataclass(frozen=True)
class OneObject:
    """No list: the answer is the object itself, one of these kinds."""

    kinds: frozenset[str] = frozenset()

    def params(self, asked: Params, previous: Page | None) -> Params:
        return asked

    def page(self, body: Mapping[str, Any], path: str, previous: Page | None) -> Page:
        return Page([the_object(body, path, self.kinds)])


def the_object(body: Mapping[str, Any], path: str, kinds: Collection[str], object_id: str | None = None) -> Row:
    """The answer to a GET of one object of these kinds (its `object`; any if none is given), with this id.

    Raises MalformedObject.
    """
    # What is left of a deleted v2 object does not say of which kind it was.
    kind = body.get("object")
    if kinds and kind not in kinds and not (kind is None and body.get("deleted") is True):
        raise MalformedObject(path, f"its `object` is {_shown(kind)}, not {' or '.join(sorted(kinds))}")
    if object_id is not None and body.get("id") != object_id:
        raise MalformedObject(path, f"its `id` is {_shown(body.get('id'))}, not {object_id}")
    return dict(body)


def _shown(value: Any) -> str:
    return "missing" if value is None else str(value)[:_SHOWN]


def _rows(body: Mapping[str, Any], path: str) -> list[Row]:
    rows = body.get("data")
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise MalformedPage(path, "it is no list")
    if not all(row.get("id") for row in rows):
        raise MalformedPage(path, "a row has no id")
    return rows
