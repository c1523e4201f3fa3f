"""A row of the manifest: what it may say about a stream."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

_DAY = 86_400


class ParentRow(BaseModel):
    """How a child stream hangs on its parent."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    stream: str
    name: str = Field(alias="as")
    """The parent's id fills `{name}` in the path, or else is the query parameter of that name."""
    field: str | None = None
    """Dotted path of the list that is embedded in the parent; without it each parent costs a request."""
    hidden: bool = False
    """The embedded list is there only if it is expanded."""
    carries: tuple[str, ...] = ()
    id_from: tuple[str, ...] = ("id",)
    id_as: str | None = None

    @field_validator("id_from", "carries", mode="before")
    @classmethod
    def _one_or_more(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str) else value

    @property
    def id_field(self) -> str:
        """Under which name the child's record has the parent's id."""
        return self.id_as or f"{self.name}_id"


class StreamRow(BaseModel):
    """A row of `streams`, its `$ref` resolved."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    type: str
    name: str
    group: str = ""
    path: str
    object: tuple[str, ...]
    """Stripe's names of the listed objects."""
    retriever: Mapping[str, Any]
    primary_key: tuple[str, ...]
    cursor: str | None = None
    """`created`, Stripe's own field; `updated`, which we add; or a field that a child carries from its parent."""
    sync: Literal["events", "events+created", "created", "snapshot", "parent", "single"]
    """How the stream is kept up to date."""
    events: tuple[str, ...] = ()
    filter: Literal["created", "created_after"] | None = None
    """How the list is asked for a range of `created`."""
    paging: Literal["starting_after", "next_page_url", "none", "object"] = "starting_after"
    time_field: str = "created"
    params: Mapping[str, str] = Field(default_factory=dict)
    passes: tuple[Mapping[str, str], ...] = ({},)
    include: tuple[str, ...] = ()
    """What the list leaves out: each row is got by its id with these."""
    get: str | None = None
    """Where a row is got by its id, if not at `<path>/{id}`."""
    parent: ParentRow | None = None
    parents: tuple[ParentRow, ...] = ()
    adds: Mapping[str, str] = Field(default_factory=dict)
    lookback: int = 0
    """Seconds before the watermark whose rows may have changed since; the config's lookback_window_days replaces it."""
    overlap: int = 0
    """Seconds before the watermark whose rows may have appeared since; always read again."""
    version: str | None = None
    needs: str | None = None
    deprecated: bool = False
    opt_in: bool = False
    sensitive: bool = False
    notes: str = ""

    @field_validator("object", "primary_key", mode="before")
    @classmethod
    def _one_or_more(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str) else value

    @property
    def incremental(self) -> bool:
        """Whether the stream goes on from a state."""
        return self.sync == "created" and self.parent is None

    @property
    def all_parents(self) -> tuple[ParentRow, ...]:
        return (self.parent,) if self.parent else self.parents

    def read_again(self, lookback_window_days: int | None) -> int:
        """Seconds before the watermark to read again."""
        lookback = self.lookback if lookback_window_days is None else lookback_window_days * _DAY
        return max(lookback, self.overlap)
