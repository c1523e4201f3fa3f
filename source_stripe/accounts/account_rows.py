"""The rows of `account_syncs`: for each account how far it is read, so that a close sees what it misses."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from source_stripe.accounts.known import key_of, part_of
from source_stripe.accounts.legs import Target

STREAM = "account_syncs"
_PREFIX = "acct_"
Status = Literal["complete", "behind", "refused", "gone"]


@dataclass(frozen=True)
class AccountRows:
    """Makes the rows of one sync."""

    now: int
    """Unix seconds."""

    def row(self, account: str, read_until: int | None, status: Status, message: str | None) -> dict[str, Any]:
        return {
            "account_id": account,
            "read_until": read_until,
            "status": status,
            "message": message,
            "synced_at": self.now,
        }

    def state(self, targets: Iterable[Target]) -> dict[str, Any]:
        """The state of the stream: who is there."""
        return {"synced_at": self.now, "ids": ",".join(sorted(target.id.removeprefix(_PREFIX) for target in targets))}


def ids_of(saved: Mapping[str, Any]) -> list[str]:
    """The accounts that a state names."""
    ids = saved.get("ids")
    return [f"{_PREFIX}{name}" for name in ids.split(",")] if isinstance(ids, str) and ids else []


def gone(saved: Mapping[str, Any], targets: Sequence[Target], part: tuple[int, int]) -> Iterator[Target]:
    """The accounts of the last sync that Stripe shows no more, or that the config does not name."""
    there = {target.id for target in targets}
    for account in ids_of(saved):
        key = key_of(account)
        if account not in there and part_of(key, part[1]) == part[0]:
            yield Target(account, key)
