"""A row of the manifest, as the engine sees it: read off its components by `catalog/manifest.py`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from source_stripe.catalog.filters import Filter

EVENTS_PATH = "/v1/events"
V2_EVENTS_PATH = "/v2/core/events"
Paging = Literal["starting_after", "next_page_url", "none", "object"]
"""How a list is paged: by the last row's id, by the address of the next page, all in one answer; or one object."""


class StrictRow(BaseModel):
    """What the rows of the manifest have in common: no unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class FilterRow(StrictRow):
    """How a list is asked for what was created in a range: the names of the parameters, and how they want times."""

    start: str
    end: str
    exclusive: bool = False
    """Whether even the first bound is not part of it."""
    days: bool = False
    """Whether both bounds must be midnights of UTC."""
    rfc_3339: bool = False


class ViaRow(StrictRow):
    """What is asked for each parent first, to learn the ids that are meant."""

    path: str
    name: str = Field(alias="as")


class OpenRow(StrictRow):
    """Which rows are open: their state is not final, and no event tells when it is."""

    field: str
    values: tuple[str | bool | None, ...]
    due: str | None = None
    young: int | None = None
    """Seconds."""


class ParentRow(StrictRow):
    """How a child stream hangs on a parent."""

    stream: str
    name: str | None = Field(None, alias="as")
    where: Mapping[str, Any] = Field(default_factory=dict)
    via: ViaRow | None = None
    id_from: tuple[str, ...] = ("id",)
    id_as: str | None = None
    params_from: Mapping[str, str] = Field(default_factory=dict)
    field: str | None = None
    hidden: bool = False
    carries: tuple[str, ...] = ()
    optional: bool = False
    named_by: str | None = None

    @property
    def id_field(self) -> str | None:
        """Under which name the child's record has the parent's id."""
        return self.id_as or (f"{self.name}_id" if self.name else None)


class UnseenRow(StrictRow):
    """A change that neither events nor later readings show: who finds it, and why nobody else does."""

    by: Literal["relist", "nobody"]
    why: str
    unknown: bool = False
    """Whether Stripe may tell of it after all: only a live account shows that."""


class StreamRow(StrictRow):
    """A row of `streams`."""

    name: str
    group: str
    path: str | None = None
    object: tuple[str, ...]
    primary_key: tuple[str, ...]

    params: Mapping[str, str] = Field(default_factory=dict)
    passes: tuple[Mapping[str, str], ...] = ({},)
    expand: tuple[str, ...] = ()
    filter: FilterRow | None = None
    time_field: str = "created"
    older_time_fields: tuple[str, ...] = ()
    paging: Paging | None = "starting_after"
    api: Literal["v1", "v2"] = "v1"
    version: str | None = None
    adds: Mapping[str, str] = Field(default_factory=dict)

    parent: ParentRow | None = None
    parents: tuple[ParentRow, ...] = ()
    product: bool = False

    sync: Literal["events", "events+created", "created", "parent", "snapshot", "single"]
    cursor: str | None = None
    lookback: int = 0
    overlap: int = 0
    open: OpenRow | None = None
    refresh: tuple[Mapping[str, str], ...] = ()
    events: tuple[str, ...] = ()
    event_object: tuple[str, ...] = ()
    shown_in: str | None = None
    touched_by: Mapping[str, tuple[str, ...]] = Field(default_factory=dict)
    other_ids: Mapping[str, tuple[str, ...]] = Field(default_factory=dict)
    deletes: tuple[str, ...] | None = None
    hides: frozenset[str] = frozenset()
    get: str | None = None
    include: tuple[str, ...] = ()
    nested: Mapping[str, str] = Field(default_factory=dict)
    leaves_out: tuple[str, ...] = ()
    may_refuse: bool = False

    belongs_to: Literal["account", "platform", "stripe"] = "account"
    needs: str | None = None
    deprecated: bool = False
    opt_in: bool = False
    sensitive: bool = False
    notes: str | None = None
    unseen: Mapping[str, UnseenRow] = Field(default_factory=dict)

    filters: tuple[Filter, ...] = ()
    """What the config wants of the rows."""

    @property
    def all_parents(self) -> tuple[ParentRow, ...]:
        return (self.parent,) if self.parent else self.parents

    @property
    def of_events(self) -> bool:
        """Whether the rows are events, or stand in them."""
        return self.path in (EVENTS_PATH, V2_EVENTS_PATH)

    @property
    def from_events(self) -> bool:
        """Whether events are the only place where the stream's objects show."""
        return are_from_events(self.path, self.object)

    @property
    def get_path(self) -> str:
        """Where one row is got by its id."""
        return self.get or f"{self.path}/{{id}}"

    @property
    def carried(self) -> tuple[str, ...]:
        """What the objects of its events are called."""
        return self.event_object or self.object

    @property
    def deletions(self) -> frozenset[str] | None:
        """The event types that say that an object is gone; None if they are those that end in .deleted."""
        return None if self.deletes is None else frozenset(self.deletes)

    def says_gone(self, event: str) -> bool:
        """Whether events of this type say that an object is gone."""
        return event.endswith(".deleted") if self.deletes is None else event in self.deletes

    @property
    def touches(self) -> Mapping[str, tuple[str, ...]]:
        """The event types of other objects that show in these, and the dotted paths by which each may name them."""
        types = dict.fromkeys(event for events in self.touched_by.values() for event in events)
        return {event: tuple(path for path, events in self.touched_by.items() if event in events) for event in types}


def are_from_events(path: str | None, kinds: tuple[str, ...]) -> bool:
    """Whether events are the only place where objects of these kinds show, listed at this path."""
    return path == EVENTS_PATH and kinds != ("event",)
