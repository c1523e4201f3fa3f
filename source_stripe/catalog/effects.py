"""Keys of the manifest's rows that would do nothing where they stand: they are refused. Pure.

Whoever writes `hides` on a stream without events believes that something happens. So each key that needs another one,
or a certain way of keeping the stream up to date, is here with what it needs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from typing import Any

from source_stripe.catalog.stream_rows import ParentRow, StreamRow, StrictRow
from source_stripe.catalog.sync_plan import Again, SyncPlan, Way, plan_of

_Rows = Mapping[str, StreamRow]
_Needs = tuple[Callable[[StreamRow, SyncPlan, _Rows], bool], str]
_ParentNeeds = tuple[Callable[[ParentRow, StreamRow], bool], str]


class NoEffectError(ValueError):
    """A key of a row has no effect beside the row's other keys."""

    def __init__(self, stream: str, key: str, why: str) -> None:
        super().__init__(f"manifest.yaml: {stream}: the key `{key}` has no effect: {why}.")
        self.stream, self.key = stream, key


def check_effects(rows: _Rows, names: Iterable[str]) -> None:
    """Raises NoEffectError for the first key without effect in these rows; `rows` are those of all streams."""
    for name in names:
        for key, why in without_effect(rows[name], rows):
            raise NoEffectError(name, key, why)


def without_effect(row: StreamRow, rows: _Rows) -> Iterator[tuple[str, str]]:
    """The keys of a row that have no effect, and why."""
    broken = list(_broken(row))
    yield from broken
    if broken:
        return
    plan = plan_of(row, rows)
    yield from ((key, why) for key, (needs, why) in _NEEDS.items() if _is_said(row, key) and not needs(row, plan, rows))
    yield from _types_in_vain(row)
    yield from _relisted_in_vain(row, plan)
    for parent in row.all_parents:
        yield from _of_parent(parent, row)


def _types_in_vain(row: StreamRow) -> Iterator[tuple[str, str]]:
    """Event types of which a key says something, and that the stream does not follow."""
    others = [("other_ids", event) for event in row.other_ids if event not in (*row.events, *row.touches)]
    own = [(key, event) for key in ("deletes", "hides") for event in getattr(row, key) or () if event not in row.events]
    yield from ((f"{key}.{event}", "the stream does not follow this event type") for key, event in (*others, *own))


def _relisted_in_vain(row: StreamRow, plan: SyncPlan) -> Iterator[tuple[str, str]]:
    """What a listing of the whole stream is said to find, of streams that have no such listing."""
    said = (field for field, unseen in row.unseen.items() if unseen.by == "relist" and plan.way is not Way.WHOLE)
    yield from ((f"unseen.{field}", "the stream can't be listed again") for field in said if row.of_events)


def _of_parent(parent: ParentRow, row: StreamRow) -> Iterator[tuple[str, str]]:
    where = "parent" if row.parent else "parents"
    for key, (fits, why) in _PARENT_NEEDS.items():
        if _is_said(parent, key) and not fits(parent, row):
            yield f"{where}.{key}", why


def _broken(row: StreamRow) -> Iterator[tuple[str, str]]:
    """What makes of a row no plan at all."""
    if row.parent is not None and row.parents:
        yield "parents", "`parent` stands beside it"
    elif len(row.parents) == 1:
        yield "parents", "it names one parent, which is what `parent` is for"
    elif row.product and len(row.parents) != 2:
        yield "product", "`parents` names no two parents"


def _is_said(row: StrictRow, key: str) -> bool:
    """Whether a row says something by a key that is not what the key means where it is absent."""
    value = getattr(row, key)
    return value is not None and value != _defaults(type(row))[key]


@cache
def _defaults(kind: type[StrictRow]) -> Mapping[str, Any]:
    return {name: about.get_default(call_default_factory=True) for name, about in kind.model_fields.items()}


def _follows_own(row: StreamRow, plan: SyncPlan, _: _Rows) -> bool:
    return row.from_events or any(each.stream == row.name for each in plan.followed)


def _follows_own_beside_a_list(row: StreamRow, plan: SyncPlan, rows: _Rows) -> bool:
    return not row.from_events and _follows_own(row, plan, rows)


def _follows_own_objects(row: StreamRow, plan: SyncPlan, rows: _Rows) -> bool:
    return not row.all_parents and _follows_own_beside_a_list(row, plan, rows)


def _has_a_list(row: StreamRow, *_: object) -> bool:
    return row.path is not None


def _is_parent(row: StreamRow, _: SyncPlan, rows: _Rows) -> bool:
    return any(parent.stream == row.name for other in rows.values() for parent in other.all_parents)


def _gets_by_id(row: StreamRow, plan: SyncPlan, rows: _Rows) -> bool:
    if row.parents:
        return any(each.again is Again.ONE_BY_ONE for each in plan.followed)
    if row.parent is not None:
        return row.parent.optional
    by_events = _follows_own_objects(row, plan, rows)
    is_other_path = row.get != f"{row.path}/{{id}}"
    return is_other_path and row.paging != "object" and (by_events or bool(row.include) or row.sync == "created")


_NO_EVENTS = "the stream follows no events of its own"
_NO_LIST = "the stream has no `path`"
_NO_OBJECTS = "the stream follows no events about objects of a list of its own"

_NEEDS: Mapping[str, _Needs] = {
    "events": (_follows_own, "`sync` does not go by them"),
    "event_object": (
        lambda row, _, __: row.parent is not None and bool(row.events) and row.event_object != row.object,
        "it is about events that name the parent of other objects, and the row has no `parent` and `events`",
    ),
    "shown_in": (lambda row, _, __: bool(row.event_object), "it is about `event_object`"),
    "touched_by": (
        lambda row, plan, rows: not row.parents and _follows_own_beside_a_list(row, plan, rows),
        "it follows no events of its own, or `parents` says by `named_by` what they name",
    ),
    "other_ids": (_follows_own, _NO_EVENTS),
    "deletes": (_follows_own_beside_a_list, _NO_EVENTS),
    "hides": (_follows_own_objects, _NO_OBJECTS),
    "older_time_fields": (_follows_own_beside_a_list, _NO_EVENTS),
    "expand": (lambda row, _, __: not row.from_events, "events show nothing expanded"),
    "get": (_gets_by_id, "no row is got by its id, or it is `path` and the id anyway"),
    "include": (lambda row, _, __: not row.all_parents and not row.from_events, "rows are not got by their ids"),
    "lookback": (
        lambda row, plan, _: row.sync == "events+created" or plan.way in (Way.CREATED, Way.NEW_CHILDREN),
        "`sync` does not go by creation",
    ),
    "open": (
        lambda row, plan, _: plan.open is not None and not row.all_parents and row.filter is not None,
        "the stream is no list that is asked for what was created since",
    ),
    "refresh": (
        lambda row, plan, _: bool(plan.refresh) and row.parent is None,
        _NO_OBJECTS,
    ),
    "overlap": (
        lambda _, plan, __: plan.way in (Way.CREATED, Way.NEW_CHILDREN),
        "`sync` does not go by creation alone",
    ),
    "sync": (
        lambda row, plan, _: (
            (
                row.cursor is not None
                and (plan.way is not Way.WHOLE or row.from_events)
                and (plan.way is not Way.NEW_CHILDREN or row.filter is not None)
            )
            or row.sync in ("snapshot", "single")
        ),
        "without a cursor, events or a filter that it could go by, all is read each time",
    ),
    "time_field": (
        lambda row, _, __: not row.from_events and (not row.all_parents or row.filter is not None),
        "nothing asks when a row was created",
    ),
    "paging": (_has_a_list, _NO_LIST),
    "params": (_has_a_list, _NO_LIST),
    "passes": (_has_a_list, _NO_LIST),
    "version": (_has_a_list, _NO_LIST),
    "may_refuse": (_is_parent, "no stream has it as a parent"),
    "product": (lambda row, _, __: bool(row.parents), "it is about `parents`"),
    "unseen": (lambda _, plan, __: plan.way is not Way.WHOLE, "all is read each time"),
}
"""By key: what it takes to have an effect, and what to say where that is not so."""

_PARENT_NEEDS: Mapping[str, _ParentNeeds] = {
    "hidden": (lambda parent, _: parent.field is not None, "it is about `field`"),
    "optional": (
        lambda _, row: row.parent is not None and bool(row.events) and not row.event_object,
        "such objects are found by events of their own, and the row has no `parent` and `events`",
    ),
    "via": (lambda parent, _: parent.field is None, "the rows stand in `field`"),
    "id_from": (lambda parent, _: parent.field is None, "the rows stand in `field`"),
    "params_from": (lambda parent, _: parent.field is None, "the rows stand in `field`"),
    "id_as": (lambda parent, _: parent.id_as != f"{parent.name}_id", "the field has that name anyway"),
    "carries": (lambda parent, _: parent.name is not None, "without `as` the fields have no name"),
    "named_by": (
        lambda _, row: bool(row.parents) and any(not row.says_gone(event) for event in row.events),
        "it is about `events` that tell of children with several parents and are no deletions",
    ),
    "where": (
        lambda parent, row: not row.product or parent is not row.parents[0],
        "of the first of a pair of parents all are taken",
    ),
}
ALWAYS = frozenset(
    {
        "name",
        "group",
        "path",
        "object",
        "primary_key",
        "nested",
        "leaves_out",
        "api",
        "adds",
        "cursor",
        "filter",
        "parent",
    }
    | {"parents", "belongs_to", "needs", "deprecated", "opt_in", "sensitive", "notes", "filters"}
)
"""The keys that have an effect wherever they stand. The stock CDK goes by `filter` where we don't."""
ALWAYS_OF_PARENTS = frozenset({"stream", "name", "field"})
