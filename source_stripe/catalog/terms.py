"""What the rows of the manifest say: the CDK's terms that they use, and ours, for which the CDK has none.

The descriptions of our terms are their only documentation: docs/manifest.md and docs/manifest.schema.json are made of
them.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

Node = dict[str, Any]
"""A component of the manifest, as its text says."""


def _one_or_more(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


OneOrMore = Annotated[
    tuple[str, ...],
    BeforeValidator(_one_or_more),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}),
]
"""A single name may stand for a list of it."""


class Terms(BaseModel):
    """A component's keys. An unknown one is a mistake."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class OpenTerms(Terms):
    """Which rows are open: their state is not final, and no event tells when it is."""

    field: str = Field(description="The field that says it.")
    values: tuple[str | bool | None, ...] = Field(description="Its values in rows that are open.")
    due: str | None = Field(
        None,
        description="The field with the time before which nothing of it changes. Without one, an open row may change "
        "at any time.",
    )
    young: timedelta | None = Field(
        None, alias="for", description="How long after its creation a row is open at most, as an ISO 8601 duration."
    )


class Changes(Terms):
    """How a stream is kept up to date after its first sync."""

    sync: Literal["events", "events+created", "created", "parent", "snapshot", "single"] = Field(
        description="What later syncs read. `events`: what the events name is read again. `events+created`: the same, "
        "and what was created since, as not all of it has an event. `created`: what was created since. `parent`: the "
        "rows of parents that changed, and what the events name. `snapshot`: all, each time. `single`: one object, "
        "each time."
    )
    cursor: str | None = Field(
        None,
        description="The cursor field. `updated` is ours: Stripe's time of the last known change (Unix seconds, in v2 "
        "too), or what a field of that name says itself, if that is later. Without it the stream is full refresh "
        "only.",
    )
    events: tuple[str, ...] = Field(
        (),
        description="Event types that tell of changes. `payment_method.*` is a group of them, the types that have "
        "other names at older versions too; each group is a request of its own.",
    )
    event_object: OneOrMore = Field(
        (),
        description="What the events carry, where it isn't `object`: the rows of the parent it names are read again.",
    )
    shown_in: str | None = Field(
        None,
        description="The list in what such events carry that shows the rows: those that it held before an event, and "
        "that the parent has no more, are gone.",
    )
    touched_by: Mapping[str, tuple[str, ...]] = Field(
        default_factory=dict,
        description="Event types of other objects that show in these rows, by the dotted path in theirs that names the "
        "row: it is read again too. A type may stand under several paths: the account's version decides which of them "
        "an event has. Of rows that their events name by a parent, all of that parent are read again.",
    )
    other_ids: Mapping[str, tuple[str, ...]] = Field(
        default_factory=dict,
        description="By event type, how ids begin that belong to other streams. An object that is called something "
        "unknown is the stream's: an older version may have called it so. One that is called what another stream of "
        "the same events has is that stream's, unless this key decides.",
    )
    deletes: tuple[str, ...] | None = Field(
        None,
        description="Event types that say that the object is gone, where those aren't the ones that end in `.deleted`.",
    )
    hides: frozenset[str] = Field(
        frozenset(),
        description="Event types after which its list does not show the object any more, though it is there.",
    )
    get: str | None = Field(
        None, description="Where one row is got by its id, where it isn't the list's path and the id behind it."
    )
    include: tuple[str, ...] = Field(
        (),
        description="What v2 leaves null unless it is asked for, which its list can't be: each row is got by its id.",
    )
    lookback_window: timedelta | None = Field(
        None,
        description="How long before the last sync rows were created that may have changed since, as an ISO 8601 "
        "duration; the config's `lookback_window_days` replaces it. Only where the list can't be asked for a range of "
        "time: else it is that of `incremental_sync`.",
    )
    open: OpenTerms | None = Field(
        None,
        description="Which rows can still change without an event. The state says when those were created, and later "
        "syncs list them again when they are due, instead of a look-back. A state that does not say it yet gets it "
        "from a look-back.",
    )
    refresh: tuple[Mapping[str, str], ...] = Field(
        (),
        description="Query parameters of short lists that hold all rows which can change without an event: each list "
        "is read whole in later syncs, instead of a look-back. A row that leaves them has an event.",
    )
    older_time_fields: tuple[str, ...] = Field(
        (),
        description="The names that the field with the time of creation had before: an event shows its object as the "
        "account's default version does.",
    )
    exclusive: bool = Field(
        False,
        description="Whether both parameters of `incremental_sync` leave out what was created at that very second.",
    )


class Unseen(Terms):
    """A change that neither events nor later readings show."""

    by: Literal["relist", "nobody"] = Field(
        description="Who finds it. `relist`: only a listing of the whole stream (`relist_days` in the config). "
        "`nobody`: not even that."
    )
    why: str = Field(description="Why, and where else it can be had: what docs/streams.md says of it.")
    unknown: bool = Field(
        False, description="Whether only a live account shows if Stripe tells of it. If it does, the row is right."
    )


class About(Terms):
    """What a user should know of a stream."""

    group: str = Field(description="Its part of the API: a heading of docs/streams.md.")
    belongs_to: Literal["account", "platform", "stripe"] = Field(
        "account",
        description="Whose rows these are, where connected accounts are read too. `account`: each account has its own. "
        "`platform`: only a platform has any. `stripe`: they are the same for all accounts, and read once.",
    )
    needs: str | None = Field(None, description="What the account must have turned on at Stripe.")
    deprecated: bool = Field(False, description="Stripe has something newer.")
    opt_in: bool = Field(
        False,
        description="It costs many requests, or few accounts have it: not among the streams selected at first.",
    )
    sensitive: bool = Field(False, description="Personal or bank data.")
    notes: str | None = Field(None, description="Whatever else users should know.")
    unseen: Mapping[str, Unseen] = Field(
        default_factory=dict,
        description="What changes unseen, by the row's dotted field; `*` is any field, `is_deleted` that the object "
        "is gone.",
    )


class OwnStream(Terms):
    """A stream of the connector's own, which Stripe has no list of."""

    name: str = Field(description="The stream's name.")
    primary_key: tuple[str, ...] = Field(description="Its key.")
    cursor: str = Field(description="The cursor field.")
    fields: Mapping[str, tuple[str, str]] = Field(
        description="The fields of its rows: of which type, and what they say."
    )

    @property
    def schema_of_rows(self) -> Node:
        """The JSON schema of its rows."""
        properties = {name: {"type": ["null", kind], "description": told} for name, (kind, told) in self.fields.items()}
        return {"type": "object", "properties": properties, "additionalProperties": True}


class Pace(Terms):
    """How long source-stripe waits, and how much it asks of one endpoint. Said once, for all retrievers."""

    endpoint_limit: str = Field(description="Requests a second to one endpoint, as a template over the config.")
    whole_answer: float = Field(description="Seconds until an answer has to have come whole.")
    give_up_after: float = Field(description="Seconds after which a request that keeps failing is not sent again.")


class Via(Terms):
    """What is asked for each parent first, to learn the ids that are meant."""

    path: str = Field(description="The path that is asked for.")
    name: str = Field(alias="as", description="The query parameter that gets the parent's id.")


class ParentConfigTerms(Terms):
    """The CDK's ParentStreamConfig, as rows use it."""

    type: str | None = None
    stream: str
    parent_key: str
    partition_field: str
    request_option: Node | None = None
    lazy_read_pointer: tuple[str, ...] = ()
    extra_fields: tuple[tuple[str, ...], ...] = ()


class ParentsFields(Terms):
    """Whose rows a stream's rows are: the fields that `ParentsRouter` adds to the CDK's SubstreamPartitionRouter."""

    where: Mapping[str, Any] = Field(
        default_factory=dict,
        description="Only parents with these values, by dotted path; `any` is anything but null.",
    )
    via: Via | None = Field(
        None,
        description="What is asked for each parent first; `parent_key` is then about the answer, `requester` asks.",
    )
    params_from: Mapping[str, str] = Field(
        default_factory=dict,
        description="Query parameters from dotted paths of the parent. A parent that has none of them is left out.",
    )
    id_as: Mapping[str, str] = Field(
        default_factory=dict,
        description="By partition field, the field of the rows that gets the parent's id, where it isn't "
        "`<partition field>_id`: mostly one that the object has already.",
    )
    hidden: tuple[str, ...] = Field(
        (),
        description="Which of the `lazy_read_pointer`s, as dotted paths, parents show only when they are expanded.",
    )
    optional: bool = Field(
        False,
        description="Whether a row may have no parent: such ones, which no list shows, are got by id if an event of "
        "the last 30 days names them.",
    )
    named_by: Mapping[str, str] = Field(
        default_factory=dict,
        description="Of several parents, by stream: the field by which the object of an event names one. It is then "
        "read again.",
    )
    product: bool = Field(False, description="Not each parent, but each pair of parents of both streams has rows.")


class ParentsTerms(ParentsFields):
    """A router by parents, as rows use it."""

    type: str
    class_name: str
    parameters: Node = Field(default_factory=dict, alias="$parameters")
    parent_stream_configs: tuple[ParentConfigTerms, ...]
    requester: Node | None = None


class PassesTerms(Terms):
    """The CDK's ListPartitionRouter, as rows use it: the list is read once with each value; an empty one isn't sent."""

    type: Literal["ListPartitionRouter"]
    cursor_field: str
    values: tuple[str, ...]
    request_option: Node


class RetrieverFields(Terms):
    """How a stream's rows are read: the fields that `DeclaredRetriever` adds to the CDK's SimpleRetriever."""

    object: OneOrMore = Field(
        description="Stripe's name of the rows. What else stands in the list belongs to another stream. Where the "
        "path is `/v1/events` and this isn't `event`, the rows are listed nowhere, but events carry them."
    )
    expand: tuple[str, ...] = Field((), description="Dotted paths inside of the object that are asked for in full.")
    nested: Mapping[str, str] = Field(
        default_factory=dict,
        description="Lists that may stand in such objects, here or expanded in other rows, cut at ten, and where the "
        "rest of each is listed: `{id}` is the object's, or the query parameter behind `?` names it (or what the list "
        "stands in: its `ownership`). No row is emitted with a cut list.",
    )
    leaves_out: tuple[str, ...] = Field(
        (),
        description="Fields of the objects that the rows lack: lists too long for a row, which are streams.",
    )
    adds: Mapping[str, str] = Field(
        default_factory=dict,
        description="Fields that the object lacks and the connector adds, with their types: `account_id`, `read_at`.",
    )
    may_refuse: bool = Field(
        False,
        description="Whether Stripe may refuse what belongs to one of these objects, and not what belongs to the "
        "others: their children's streams leave that one out, and warn.",
    )
    changes: Changes = Field(description="How the stream is kept up to date.")
    about: About = Field(description="What users should know of it.")
    pace: Pace = Field(description="How long to wait, and how much to ask of one endpoint: the same for all.")


class RetrieverTerms(RetrieverFields):
    """A retriever, as rows use it."""

    type: str
    class_name: str
    requester: Node
    record_selector: Node
    paginator: Node | None = None
    partition_router: Node | None = None


class StreamTerms(Terms):
    """The CDK's DeclarativeStream, as rows use it."""

    type: Literal["DeclarativeStream"]
    parameters: Node = Field(alias="$parameters")
    primary_key: OneOrMore
    schema_loader: Node
    incremental_sync: Node | None = None
    retriever: RetrieverTerms
