"""The state of a stream that is read of many accounts. Pure.

    {"updated": 1763800000, "accounts": "<the keys of known accounts, sorted>", "open": "<their open rows>",
     "run": {"to": 1763803600, "through": "<key>"}, "behind": {"acct_1": 1763700000, "acct_2": {...}},
     "read_with": {"account": "acct_platform", "live": true, "start_date": 1485302400, "part": "3/8"}}

Known accounts are complete up to the cursor's value, and where a sync was interrupted those whose key is not behind
`through` up to `to`. `behind` has the others that were read before, each with a state of its own or its watermark:
those that failed, that Stripe does not show any more, or whose first sync is under way. An account that stands nowhere
is new; where its key stands in `new` some of its rows may have come since `begun`.

What is read off a state is never more than what was put in: a lower watermark is that of a sync that was killed. See
docs/design/accounts.md, "State".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from source_stripe.accounts import known, open_codes
from source_stripe.accounts.packed_codes import PackedCodes
from source_stripe.reading.state import PLATFORM, UnknownStateError

State = Mapping[str, Any]
"""The state of one account."""
_KEPT = frozenset({"read_with", "open", "relisted"})
"""What a known account's state may have beside the cursor."""


DIFFERING = "differing"
"""Instead of a digest: accounts may have been read with different filters, so that each is read again."""


@dataclass(frozen=True)
class Mark:
    """How far, and with what, accounts are read."""

    watermark: int
    start_date: int | None = None
    relisted: int | None = None
    filters: str | None = None
    """The digest of the filters; None where there are none."""

    def lower(self, other: Mark) -> Mark:
        """What holds for accounts of both."""
        return Mark(
            min(self.watermark, other.watermark),
            max(self.start_date or 0, other.start_date or 0) or None,
            lower(self.relisted, other.relisted),
            self.filters if self.filters == other.filters else DIFFERING,
        )


@dataclass(frozen=True)
class Run:
    """A sync that was interrupted: the accounts up to a key are further than the others."""

    mark: Mark
    through: str = ""


@dataclass(frozen=True)
class Setting:
    """What all accounts are read with. None is unknown."""

    platform: str | None
    live: bool
    part: str = "1/1"


@dataclass(frozen=True)
class PlatformState:
    """The state of a stream, taken apart."""

    setting: Setting
    mark: Mark
    known: PackedCodes = field(default_factory=PackedCodes)
    run: Run | None = None
    behind: Mapping[str, State] = field(default_factory=dict)
    """By the id, or the key where only that is known."""
    moved: bool = False
    """Whether accounts that are not known may have been another connection's, as the part was changed."""
    refresh: bool = False
    """Whether a full refresh is under way: known accounts are those that it has read."""
    begun: int | None = None
    """Since when first syncs may be under way (Unix seconds); None where none is."""
    new: frozenset[str] = frozenset()
    """The keys of the accounts that these may be of."""

    def mark_of(self, key: str) -> Mark:
        return self.run.mark if self.run is not None and key <= self.run.through else self.mark

    def of(self, account_id: str, key: str, cursor: str) -> State | None:
        """What an account goes on from; None where it is new."""
        if (state := self.behind.get(account_id, self.behind.get(key))) is not None:
            return state
        code = self.known.get(key)
        return None if code is None else state_of(account_id, self.mark_of(key), code, cursor, self.setting)

    @classmethod
    def parse(cls, raw: Mapping[str, Any], *, stream: str, cursor: str) -> PlatformState:
        """Raises UnknownStateError where it is no such state."""
        try:
            return cls._of(raw, cursor)
        except (AttributeError, KeyError, TypeError, ValueError):
            raise UnknownStateError(stream, raw) from None

    @classmethod
    def _of(cls, raw: Mapping[str, Any], cursor: str) -> PlatformState:
        said = raw["read_with"]
        setting = Setting(_text(said.get("account")), bool(said["live"]), said.get("part", "1/1"))
        filters = _text(said.get("filters"))
        mark = Mark(_second(raw[cursor]), _maybe(said.get("start_date")), _maybe(raw.get("relisted")), filters)
        keys = list(known.cut(raw[PLATFORM], known.WIDTH))
        codes = list(known.cut(raw["open"], open_codes.WIDTH)) if "open" in raw else [open_codes.UNKNOWN] * len(keys)
        for each in (*keys, *set(codes)):
            known.number_of(each)
        new = frozenset(known.cut(raw.get("new", ""), known.WIDTH))
        packed = PackedCodes(zip(keys, codes, strict=True))
        run = None
        if "run" in raw:
            was = raw["run"]
            filters = _text(was.get("filters"))
            reached = Mark(_second(was["to"]), _maybe(was.get("start_date")), _maybe(was.get("relisted")), filters)
            run = Run(reached, str(was["through"]))
        flags = bool(raw.get("moved")), bool(raw.get("refresh"))
        whole = cls(setting, mark, packed, run, {}, *flags, _maybe(raw.get("begun")), new)
        behind = {each: _expanded(each, state, whole, cursor) for each, state in raw.get("behind", {}).items()}
        return replace(whole, behind=behind)

    def dump(self, cursor: str) -> dict[str, Any]:
        state: dict[str, Any] = {cursor: self.mark.watermark, PLATFORM: self.known.keys}
        if (codes := self.known.codes) != open_codes.UNKNOWN * len(self.known):
            state["open"] = codes
        if self.run is not None:
            state["run"] = {
                "to": self.run.mark.watermark,
                "through": self.run.through,
                **_said(
                    start_date=self.run.mark.start_date, relisted=self.run.mark.relisted, filters=self.run.mark.filters
                ),
            }
        if self.behind:
            behind = sorted(self.behind.items())
            state["behind"] = {each: _short(each, own, self, cursor) for each, own in behind}
        part = None if self.setting.part == "1/1" else self.setting.part
        about = {**_about(self.setting.platform, self), **_said(part=part)}
        state["read_with"] = about
        flags = {name: True for name, value in (("moved", self.moved), ("refresh", self.refresh)) if value}
        begun = {} if self.begun is None else {"begun": self.begun, "new": "".join(sorted(self.new))}
        return {**state, **_said(relisted=self.mark.relisted), **begun, **flags}


def state_of(account_id: str | None, mark: Mark, code: str, cursor: str, setting: Setting) -> State:
    """The state of a known account."""
    open_rows = open_codes.open_of(code, mark.watermark)
    about = _said(account=account_id, live=setting.live, start_date=mark.start_date, filters=mark.filters)
    own: dict[str, Any] = {cursor: mark.watermark, "read_with": about}
    return {**own, **_said(open=open_rows, relisted=mark.relisted)}


def code_of(state: State, mark: Mark, cursor: str, *, live: bool) -> str | None:
    """The open rows of an account that counts as known, read up to a mark.

    None where its state has more to say than a mark and a code can, or is not as far as the mark.
    """
    if state.keys() - _KEPT != {cursor} or state[cursor] < mark.watermark:
        return None
    about = state.get("read_with", {})
    start = about.get("start_date")
    if about.get("filters") != mark.filters:
        return None
    if (start or 0) > (mark.start_date or 0) or lower(state.get("relisted"), mark.relisted) != mark.relisted:
        return None
    return open_codes.told(state.get("open"), mark.watermark, live=live)


def lower(one: int | None, other: int | None) -> int | None:
    """The earlier of two times, or unknown."""
    return None if one is None or other is None else min(one, other)


def _short(name: str, state: State, whole: PlatformState, cursor: str) -> State | int:
    """A state without what the whole says of each account."""
    rest = dict(state)
    if rest.get("read_with") == _about(_id_of(name), whole):
        del rest["read_with"]
    return int(rest[cursor]) if rest.keys() == {cursor} else rest


def _expanded(name: str, state: State | int, whole: PlatformState, cursor: str) -> State:
    if not name.startswith("acct_"):
        known.number_of(name)
    if isinstance(state, int):
        state = {cursor: _second(state)}
    _second(state[cursor])
    return state if "read_with" in state else {**state, "read_with": _about(_id_of(name), whole)}


def _id_of(name: str) -> str | None:
    """The id of an account, where more than its key is known."""
    return name if name.startswith("acct_") else None


def _about(account: str | None, whole: PlatformState) -> dict[str, Any]:
    mark = whole.mark
    return _said(account=account, live=whole.setting.live, start_date=mark.start_date, filters=mark.filters)


def _said(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _second(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(value)
    return value


def _maybe(value: Any, read: Callable[[Any], int] = _second) -> int | None:
    return None if value is None else read(value)


def _text(value: Any) -> str | None:
    if value is not None and not isinstance(value, str):
        raise TypeError(value)
    return value
