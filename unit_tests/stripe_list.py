"""A list as Stripe pages it, and the requests that covering changes costs there."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from math import ceil

from source_stripe.objects.covering import Cover, Got, Listed
from source_stripe.objects.ledger import Change, Changes
from unit_tests.changed import ledger_of

PAGE = 5


def newest_first(changes: Iterable[Change]) -> Changes:
    return ledger_of(changes).newest_first()


def change(number: int, created: int | None) -> Change:
    return Change(f"x_{number}", time=10_000, created=created, deleted=False, shown={})


@dataclass
class StripeList:
    """A list as Stripe pages it, newest first, that counts what it is asked. What it hides can be got by id."""

    created: dict[str, int]
    size: int = PAGE
    by_time: bool = True
    pages: int = 0
    gets: int = 0
    in_vain: int = 0
    """Pages that brought nothing that had changed."""
    answered: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.rows = sorted(self.created, key=lambda name: (self.created[name], name), reverse=True)

    @property
    def requests(self) -> int:
        return self.pages + self.gets

    @property
    def whole(self) -> int:
        """Requests for all of its pages."""
        return ceil(len(self.rows) / self.size)

    def page(self, asked: Listed) -> tuple[list[str], str | None]:
        self.pages += 1
        rows = self.rows if asked.after is None else self.rows[self.rows.index(asked.after) + 1 :]
        if self.by_time:
            rows = [name for name in rows if self.created[name] <= asked.until]
        return rows[: self.size], rows[self.size - 1] if len(rows) > self.size else None

    def step(self, cover: Cover) -> bool:
        """Do the next request of a cover; whether there was one."""
        asked = cover.next()
        if asked is None:
            return False
        if isinstance(asked, Got):
            self.gets += 1
            cover.got()
            self.answered[asked.change.id] += 1
            return True
        rows, behind = self.page(asked)
        covered = cover.listed(rows, self.created[rows[-1]] if rows else None, behind)
        assert {changed.id for changed in covered} <= set(rows)
        self.in_vain += not covered
        self.answered.update(changed.id for changed in covered)
        return True

    def work_through(self, cover: Cover) -> None:
        while self.step(cover):
            pass


def work_together(listed: StripeList, changes: Sequence[Change], workers: int, chance: random.Random) -> int:
    """Work through changes as the workers do, who share after each request; returns how many parts there were."""
    parts = [Cover(changes)]
    under_way = [parts[0]]
    while under_way:
        cover = chance.choice(under_way)
        if not listed.step(cover):
            under_way.remove(cover)
        handed_out = cover.split_off(workers - len(under_way))
        parts += map(Cover, handed_out)
        under_way += parts[len(parts) - len(handed_out) :]
    return len(parts)
