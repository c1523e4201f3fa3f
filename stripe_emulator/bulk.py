"""Lists of any length whose rows are not kept but written when they are asked for: for benchmarks.

A row is known by its number alone. What lists and GETs show of it comes out of a template, in which its own id, its
time and a few other values are filled in. So a page of a million charges costs what a page of a hundred does, and the
million no memory but their times.
"""

import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any

import orjson

from stripe_emulator import errors, facts, pages, rendering
from stripe_emulator.errors import StripeError
from stripe_emulator.facts import Endpoint
from stripe_emulator.filters import interval
from stripe_emulator.parameters import Parameters
from stripe_emulator.rendering import Tree
from stripe_emulator.routes import Match
from stripe_emulator.store import Store

Values = Callable[[int], Sequence[bytes]]
"""What the gaps of a template are filled with for a row, by its number."""

_TOKEN = re.compile("3Bulk000([0-9a-f]{16})")
_SPACE = 1 << 64
# Odd, and near the golden section of the space: ids are unique and don't sort as they were made.
_STEP = 0x9E37_79B9_7F4A_7C15
_BACK = pow(_STEP, -1, _SPACE)


def token(number: int) -> bytes:
    """What stands behind the underscore in the id of the `number`th object, of whatever kind."""
    return b"3Bulk000%016x" % (number * _STEP % _SPACE)


def number_of(object_id: str) -> int | None:
    """The number in an id that `token` made; None for any other id."""
    match = _TOKEN.fullmatch(object_id.rpartition("_")[2])
    return int(match[1], 16) * _BACK % _SPACE if match else None


class Template:
    """JSON with gaps in it: wherever the document that it is made from has one of the marks."""

    def __init__(self, document: bytes, marks: Sequence[bytes]) -> None:
        # Texts at even places, what fills the gaps between them at odd ones.
        self._parts = re.split(b"(" + b"|".join(map(re.escape, marks)) + b")", document)
        self._pick = itemgetter(*(marks.index(mark) for mark in self._parts[1::2]))

    def filled(self, rows: Iterable[Sequence[bytes]]) -> bytes:
        """The JSON of each row, with commas between them; a row fills the gaps in the order of the marks."""
        parts, pick, filled = [*self._parts, b","], self._pick, list[bytes]()
        for values in rows:
            parts[1:-1:2] = pick(values)
            filled += parts
        return b"".join(filled[:-1])


@dataclass(frozen=True)
class Sample:
    """The object that the rows of a list look like, in a store of its own. `marks` are what differs in each row."""

    id: str
    store: Store
    marks: Sequence[bytes]
    _templates: dict[str, Template] = field(default_factory=dict)

    def template(self, expand: Tree) -> Template:
        """How a row looks with these paths expanded."""
        key = repr(expand)
        if key not in self._templates:
            resource = self.store.get(self.id)
            if resource is None:
                raise LookupError(f"the sample {self.id} is not in its store")
            document = orjson.dumps(rendering.document(resource, self.store, expand))
            self._templates[key] = Template(document, self.marks)
        return self._templates[key]


@dataclass(frozen=True)
class BulkList:
    """The list of a kind, newest first. `times` are the `created` of its rows (Unix time), oldest first."""

    sample: Sample
    values: Values
    times: Sequence[int]

    def all(self, match: Match) -> range:
        """The numbers of all rows, in the order of the list."""
        return range(len(self.times) - 1, -1, -1)

    def within(self, match: Match, filters: Mapping[str, Any]) -> range:
        """The numbers of the rows that pass the filters. Raises StripeError for filters that aren't served."""
        _refuse(filters.keys() - {"created"}, match.endpoint)
        since, until = interval(filters.get("created", {}))
        low = 0 if since is None else bisect_left(self.times, since)
        high = len(self.times) if until is None else bisect_left(self.times, until)
        return range(high - 1, low - 1, -1)


@dataclass(frozen=True)
class BulkChildren:
    """The lists below the rows of a bulk list: in each of them `size` rows, in the order of their numbers. Those below
    row 7 begin with number 7 * size."""

    sample: Sample
    values: Values
    parents: BulkList
    size: int

    def all(self, match: Match) -> range:
        """The numbers of a parent's rows. Raises StripeError if there is no such parent."""
        endpoint = match.endpoint
        parent_kind = facts.nested()[endpoint.path].parent
        parent = _number(match.arguments[0], parent_kind)
        if parent not in self.parents.all(match):
            raise errors.no_such(parent_kind, match.arguments[0], status=404, param=endpoint.names[0])
        return range(parent * self.size, (parent + 1) * self.size)

    def within(self, match: Match, filters: Mapping[str, Any]) -> range:
        _refuse(filters.keys(), match.endpoint)
        return self.all(match)


Bulk = BulkList | BulkChildren


def answer(bulk: Bulk, match: Match, params: Parameters, path: str) -> bytes:
    """What the API answers to a GET of a bulk list, or of one of its rows. Raises StripeError."""
    endpoint = match.endpoint
    expand = rendering.check_paths(params.expand, endpoint.objects, in_list=endpoint.pages is not None)
    template = bulk.sample.template(expand)
    if endpoint.pages is None:
        _refuse(params.filters.keys(), endpoint)
        number = _known(bulk, match, match.arguments[-1], status=404, param=endpoint.names[-1])
        return template.filled([bulk.values(number)])
    rows, has_more = _page(bulk, match, params)
    return pages.list_json([template.filled(map(bulk.values, rows))], has_more, path)


def _page(bulk: Bulk, match: Match, params: Parameters) -> tuple[range, bool]:
    rows = bulk.within(match, params.filters)
    if params.ending_before is not None:
        number = _known(bulk, match, params.ending_before, status=400, param="ending_before")
        end = min(max(_place(number, rows), 0), len(rows))
        return rows[max(end - params.limit, 0) : end], end > params.limit
    start = 0
    if params.starting_after is not None:
        number = _known(bulk, match, params.starting_after, status=400, param="starting_after")
        start = max(_place(number, rows) + 1, 0)
    return rows[start : start + params.limit], len(rows) > start + params.limit


def _place(number: int, rows: range) -> int:
    """Where a number stands in the order of these rows: below 0 or beyond their end if it is not one of them."""
    return (number - rows.start) * rows.step


def _known(bulk: Bulk, match: Match, object_id: str, *, status: int, param: str) -> int:
    kind = match.endpoint.objects[0]
    number = _number(object_id, kind)
    if number not in bulk.all(match):
        raise errors.no_such(kind, object_id, status=status, param=param)
    return number


def _number(object_id: str, kind: str) -> int:
    """The number in an id, -1 if it is of another kind or not in bulk."""
    number = number_of(object_id) if object_id.startswith(f"{facts.kind(kind).prefix}_") else None
    return -1 if number is None else number


def _refuse(names: Iterable[str], endpoint: Endpoint) -> None:
    if names := sorted(names):
        raise StripeError(500, f"emulator: {endpoint.path} in bulk has no {', '.join(names)}", kind="api_error")
