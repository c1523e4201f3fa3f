"""Mutations: the connector with one of its rules taken out, to see whether tests notice. Applied in its own process."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any
from unittest.mock import patch

from source_stripe.accounts.platform_state import PlatformState
from source_stripe.accounts.stream_sync import StreamSync
from source_stripe.objects.events import Fold
from source_stripe.objects.row_filters import RowFilters
from source_stripe.reading.open_rows import OpenRows


def _without_overlap() -> None:
    _everywhere("OVERLAP", 0)


def _without_tombstones_of_vanished_children() -> None:
    def notes_nothing(*_: object) -> None:
        """What a list held before an event."""

    patch.object(Fold, "_note_rows", notes_nothing).start()


def _without_touches() -> None:
    def touches_nothing(*_: object) -> None:
        """What an event of another object names."""

    patch.object(Fold, "_touch", touches_nothing).start()


def _without_open_rows() -> None:
    def notes_nothing(*_: object, **__: object) -> None:
        """A row whose state is not final."""

    patch.object(OpenRows, "note", notes_nothing).start()


def _without_unique_id() -> None:
    _everywhere("own_id", lambda shown: shown.get("id"))


def _without_through() -> None:
    patch.object(PlatformState, "mark_of", lambda self, _: self.run.mark if self.run else self.mark).start()
    patch.object(StreamSync, "_mark_of", lambda self, _: self._run.mark if self._run else self._mark).start()


def _without_behind() -> None:
    whole = PlatformState.dump
    patch.object(PlatformState, "dump", lambda self, cursor: whole(replace(self, behind={}), cursor)).start()


def _without_begun() -> None:
    whole = PlatformState.dump
    patch.object(PlatformState, "dump", lambda self, cursor: whole(replace(self, begun=None), cursor)).start()


OF_PLATFORMS: Mapping[str, Callable[[], None]] = {
    "through is ignored": _without_through,
    "behind is forgotten": _without_behind,
    "begun is not told": _without_begun,
}


ONLY_KILLED_FIRST_SYNCS = frozenset({"begun is not told"})
"""Rules that matter where an account's first sync is killed, and what it brought is deleted before the next one."""


def _without_tests_of_rows() -> None:
    patch.object(RowFilters, "match", lambda *_: True).start()


def _without_tombstones_of_what_leaves() -> None:
    patch.object(RowFilters, "may_have_matched", lambda *_: False).start()


OF_FILTERS: Mapping[str, Callable[[], None]] = {
    "rows are not tested": _without_tests_of_rows,
    "what leaves a filter gets no tombstone": _without_tombstones_of_what_leaves,
}
"""Rules that only a config with filters needs."""
MUTATIONS: Mapping[str, Callable[[], None]] = {
    **OF_PLATFORMS,
    **OF_FILTERS,
    "OVERLAP is 0": _without_overlap,
    "vanished children get no tombstone": _without_tombstones_of_vanished_children,
    "events of other objects touch nothing": _without_touches,
    "open rows are not noted": _without_open_rows,
    "unique_id is ignored": _without_unique_id,
}


def _everywhere(name: str, value: Any) -> None:
    """Give a name of the connector's another value in every module that has it. LookupError if none does."""
    modules = [module for path, module in sys.modules.items() if path.startswith("source_stripe.")]
    if not (having := [module for module in modules if name in vars(module)]):
        raise LookupError(f"the connector has no {name}")
    for module in having:
        setattr(module, name, value)
