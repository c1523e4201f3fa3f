"""Write docs/permissions.md: the permission that a restricted key needs for each stream, and a list to tick.

With --check nothing is written: the exit code says whether it is up to date.
"""

import sys
from collections.abc import Iterator, Sequence

from source_stripe.catalog.stream_rows import StreamRow
from tools.generate_docs import ROOT, Rows, by_group, parser_of, read_rows, table, write
from tools.permissions import EVENTS, OWN_ACCOUNT, UNKNOWN, Needed, needed, suggested

_COLUMNS = ("Stream", "Permission", "Also, for what is read along", "Events", "Connect column")
_INTRO = """\
# Permissions of a restricted key

<!-- Written by tools/generate_permission_docs.py from tools/permissions.yaml, manifest.yaml and metadata.yaml. -->

A restricted key (`rk_live_...`, `rk_test_...`) reads what you let it read, and changes nothing. Create one in the
[Dashboard under Developers > API keys](https://dashboard.stripe.com/apikeys), choose *Read* for what the lists below
name, and let `check` say what is missing: it asks for a row of each list, and names the permission that Stripe's
refusal names. Stripe names one at a time, so check again after each change.

Names are those of Stripe's pages of permissions [by endpoint][endpoints] and [by object and event][objects]. Refusals
have `rak_` in front of them: a key without `charge_read` is told of `rak_charge_read`. The Dashboard shows the objects'
own names instead, such as *Charges* or *Prices*.

[endpoints]: https://docs.stripe.com/keys/permissions-reference
[objects]: https://docs.stripe.com/stripe-apps/reference/permissions

## A list to tick

For the streams that most begin with: {streams}.

{ticks}

To read connected accounts, tick the same in the column for them; [connected-accounts.md](connected-accounts.md) has
the rest.

## What the columns say

- **Permission**: for the stream's own rows. With a star: Stripe's pages name it for the object's events, or for
  expanding it, and not for its list. *unknown*: they name none. Then run `check`, and give what it names.
- **Also**: rows that stand in others are read with those, and so are children. What is expanded needs its own
  permission ([expand.md](expand.md)); what you expand by the config does, too.
- **Events**: whether the syncs after the first one ask Stripe's events what changed. Then the key needs `{events}`
  as well. Without it those syncs fail, with that name; `check` tells it before.
- **Connect column**: whether Stripe lets a key have the permission for connected accounts. *no*: Stripe's page marks it
  *(Direct)*. *unknown*: look there. *not needed*: the stream is the platform's own, or the same for everybody.
- `check` and each sync ask for your own account. Without `{account}` they go on: `check` can't say the
  account's name then, and a sync does not notice a key of another account unless `account_id` is set. To read
  connected accounts it must be there. Refusals for accounts have also named `rak_accounts_kyc_basic_read`: give what
  yours names.

## Stream by stream
"""


def main(arguments: list[str] | None = None) -> int:
    """Generate or check; the exit code."""
    parser = parser_of("generate_permission_docs", "The permissions of each stream.", ROOT / "docs" / "permissions.md")
    options = parser.parse_args(arguments)
    return write(options.page, page(read_rows(ROOT / "manifest.yaml"), suggested()), check=options.check)


def page(rows: Rows, first: Sequence[str]) -> str:
    """The page: a list to tick for the first streams, and a table for each group."""
    intro = _INTRO.format(
        streams=", ".join(f"`{name}`" for name in first),
        ticks="\n".join(_ticks(first, rows)),
        events=EVENTS,
        account=OWN_ACCOUNT,
    )
    sections = [_section(group, members, rows) for group, members in by_group(rows).items()]
    return "\n".join([intro, *sections])


def told(need: Needed) -> str:
    """The permission for a stream's own rows, in words."""
    if need.own == (UNKNOWN,):
        return UNKNOWN
    return ", ".join(name if name == UNKNOWN else f"`{name}`" for name in need.own) + ("" if need.certain else " *")


def told_along(need: Needed) -> str:
    """What is needed beside that, and for what."""
    return ", ".join(f"{name if name == UNKNOWN else f'`{name}`'} ({why})" for name, why in need.also.items())


def _ticks(first: Sequence[str], rows: Rows) -> Iterator[str]:
    """Each permission once, and what it is for."""
    wanted: dict[str, list[str]] = {}
    for stream in first:
        need = needed(rows[stream], rows)
        for name in need.own:
            wanted.setdefault(name, []).append(f"`{stream}`")
        for name, why in need.also.items():
            wanted.setdefault(name, []).append(f"`{stream}` ({why})")
    for name, streams in wanted.items():
        yield f"- [ ] `{name}`: {', '.join(streams)}"
    yield f"- [ ] `{EVENTS}`: what changed since the last sync"
    yield f"- [ ] `{OWN_ACCOUNT}`: which account the key opens; a sync does without it"


def _section(group: str, members: Sequence[StreamRow], rows: Rows) -> str:
    cells = (_cells(row, needed(row, rows)) for row in members)
    return "\n".join([f"### {group}", "", *table(_COLUMNS, cells), ""])


def _cells(row: StreamRow, need: Needed) -> list[str]:
    return [f"`{row.name}`", told(need), told_along(need), "yes" if need.events else "", need.connect]


if __name__ == "__main__":
    sys.exit(main())
