"""Child streams: their rows come with their parents', each once, at the price of those."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import pytest

from integration_tests.connection import stream_rows
from integration_tests.counting import most_for
from integration_tests.embedded import CASES, SIZES, Account, Key, Lists
from integration_tests.syncing import Sync, sync
from stripe_emulator import StripeEmulator, serve
from stripe_emulator.facts import Json
from unit_tests.spreads import LIFE, SPREADS, evenly

HOUR = 3600

# Each child stream whose rows stand in a list of their parents: the list, and what of it is theirs.
CHILDREN: dict[str, Key] = {
    name: (stream_rows()[row.parent.stream].object[0], row.parent.field)
    for name, row in stream_rows().items()
    if row.parent is not None
    and row.parent.field is not None
    and (stream_rows()[row.parent.stream].object[0], row.parent.field) in CASES
}
WITH_PARENTS = sorted({*CHILDREN, *(CASES[key].stream for key in CHILDREN.values())})
Syncs = Mapping[str, tuple[Sync, Lists, StripeEmulator]]


def test_so_many_streams_stand_in_lists_of_their_parents() -> None:
    assert len(CHILDREN) == 17


@pytest.fixture(scope="module")
def syncs() -> Iterator[Syncs]:
    """Syncs of one account, with parents and without, of all there is, what has changed, and what is new."""
    account = Account(StripeEmulator())
    emulator, done = account.emulator, {}
    with serve(emulator):
        account.make()
        emulator.clock.advance(2)
        done["all"] = sync(emulator, CHILDREN, mode="full_refresh"), account.lists(), emulator
        done["all, with parents"] = sync(emulator, WITH_PARENTS), account.lists(), emulator
        emulator.clock.advance(HOUR)
        account.grow()
        emulator.clock.advance(2)
        state = done["all, with parents"][0].output.state_messages
        done["changed"] = sync(emulator, CHILDREN, state), account.lists(), emulator
        done["changed, with parents"] = sync(emulator, WITH_PARENTS, state), account.lists(), emulator
        emulator.clock.advance(HOUR)
        account.make()
        emulator.clock.advance(2)
        state = done["changed, with parents"][0].output.state_messages
        done["new"] = sync(emulator, CHILDREN, state), account.lists(), emulator
        done["new, with parents"] = sync(emulator, WITH_PARENTS, state), account.lists(), emulator
        yield done


@pytest.mark.parametrize("how", ["alone", "with parents"])
@pytest.mark.parametrize(
    ("which", "name"),
    [
        (which, name)
        for which in ("all", "changed", "new")
        for name, key in CHILDREN.items()
        if which != "changed" or CASES[key].change is not None
    ],
)
def test_all_children_come_once_and_say_whose_they_are(syncs: Syncs, which: str, name: str, how: str) -> None:
    done, lists, emulator = syncs[which if how == "alone" else f"{which}, {how}"]
    row = stream_rows()[name]
    assert row.parent is not None
    found = Counter((each[str(row.parent.id_field)], each["id"]) for each in done.output.records(name))
    of_the_stream = {
        (parent, child)
        for parent, ids in lists[CHILDREN[name]].items()
        for child in ids
        if emulator.get(child)["object"] in row.object
    }
    assert len(of_the_stream) > sum(SIZES) / 3 - 5
    assert of_the_stream - found.keys() == set()
    assert max(found.values()) == 1
    if which == "all":
        assert found.keys() == of_the_stream


def test_all_syncs_went_well(syncs: Syncs) -> None:
    for done, *_ in syncs.values():
        assert done.output.errors == []
        assert done.code == 0


# ---- what it costs


def requests_of(emulator: StripeEmulator, *streams: str, mode: str = "incremental", **config: Any) -> list[str]:
    """The endpoints that a first sync asks."""
    emulator.requests.clear()
    done = sync(emulator, streams, mode=mode, **config)
    assert done.output.errors == []
    return [request.pattern for request in emulator.requests]


def bought(emulator: StripeEmulator, kind: str, field: str, created: Iterable[int], children: int) -> None:
    """Objects made at these times, in seconds since the account was, with so many rows in a list each."""
    now = emulator.clock.now()
    emulator.account["created"] = now - LIFE
    for second in created:
        rows: Json = {field: [{} for _ in range(children)]}
        emulator.create(kind, created=now - LIFE + second, event=False, **rows)
    emulator.clock.advance(2)


def cost_their_parents_pages(emulator: StripeEmulator, parents: str, children: str, path: str) -> None:
    """First syncs of 1,000 parents ask for nothing else, with them and without."""
    for streams, workers in [((parents, children), workers) for workers in (1, 2, 16)] + [((children,), 16)]:
        asked = Counter(requests_of(emulator, *streams, num_workers=workers))
        assert asked == {"/v1/account": 1, path: asked[path]}
        assert 10 <= asked[path] <= most_for(emulator, path, 1_000)
        if workers == 1:
            assert asked[path] == 10


@pytest.mark.parametrize("spread", SPREADS)
def test_short_lists_of_invoices_cost_their_parents_pages(emulator: StripeEmulator, spread: str) -> None:
    bought(emulator, "invoice", "lines", SPREADS[spread](1_000), 3)
    cost_their_parents_pages(emulator, "invoices", "invoice_line_items", "/v1/invoices")


@pytest.mark.parametrize("spread", ["evenly", "in 17 hours just now", "most in a day"])
def test_short_lists_of_checkout_sessions_cost_their_parents_pages(emulator: StripeEmulator, spread: str) -> None:
    bought(emulator, "checkout.session", "line_items", SPREADS[spread](1_000), 3)
    cost_their_parents_pages(emulator, "checkout_sessions", "checkout_sessions_line_items", "/v1/checkout/sessions")


@pytest.mark.parametrize("mode", ["full_refresh", "incremental"])
@pytest.mark.parametrize("streams", [("invoices", "invoice_line_items"), ("invoice_line_items",)])
def test_long_lists_cost_their_own_pages_once(emulator: StripeEmulator, streams: tuple[str, ...], mode: str) -> None:
    bought(emulator, "invoice", "lines", evenly(100), 250)
    asked = requests_of(emulator, *streams, mode=mode)
    lines = asked.count("/v1/invoices/{invoice}/lines")
    assert lines == 3 * 100
    assert len(asked) - lines <= 1 + 5


def test_what_changed_is_read_once_for_parent_and_children(emulator: StripeEmulator) -> None:
    bought(emulator, "invoice", "lines", evenly(1_000), 3)
    both = ("invoices", "invoice_line_items")
    emulator.clock.advance(HOUR)
    state = sync(emulator, both).output.state_messages
    emulator.clock.advance(HOUR)
    invoices = [row["id"] for row in emulator.objects("invoice")[:150]]
    for invoice in invoices:
        emulator.update(invoice, description="changed")
    emulator.clock.advance(2)
    emulator.requests.clear()

    done = sync(emulator, both, state)

    assert done.output.ids("invoices") == Counter(invoices)
    assert {row["invoice_id"] for row in done.output.records("invoice_line_items")} == set(invoices)
    asked = Counter(request.pattern for request in emulator.requests)
    assert asked.keys() == {"/v1/account", "/v1/events", "/v1/invoices"}
    assert asked["/v1/invoices"] <= 3


# ---- what goes


def gone(done: Sync, stream: str) -> set[str]:
    """The ids of a stream's tombstones."""
    return {row["id"] for row in done.output.records(stream) if row["is_deleted"]}


def ids(rows: Json) -> list[str]:
    return [row["id"] for row in rows["data"]]


Removal = Callable[[StripeEmulator], tuple[Callable[[], object], set[str]]]
"""Makes parents with children; returns what removes some of them, and their ids."""


def an_item(emulator: StripeEmulator) -> tuple[Callable[[], object], set[str]]:
    first, *_ = ids(emulator.create("subscription", items=[{}, {}])["items"])
    return lambda: emulator.delete(first), {first}


def a_line(emulator: StripeEmulator) -> tuple[Callable[[], object], set[str]]:
    invoice = emulator.create("invoice", status="draft", lines=[{}, {}, {}])
    first, second, third = ids(invoice["lines"])
    return lambda: emulator.update(invoice["id"], lines=[{"id": second}]), {first, third}


def a_draft(emulator: StripeEmulator) -> tuple[Callable[[], object], set[str]]:
    invoice = emulator.create("invoice", status="draft", lines=[{}, {}])
    return lambda: emulator.delete(invoice["id"]), set(ids(invoice["lines"]))


def of_a_customer(kind: str) -> Removal:
    def remove(emulator: StripeEmulator) -> tuple[Callable[[], object], set[str]]:
        customer = emulator.create("customer")["id"]
        first, _ = (str(emulator.create(kind, customer=customer)["id"]) for _ in range(2))
        return lambda: emulator.delete(first), {first}

    return remove


@pytest.mark.parametrize(
    ("stream", "parent", "removal"),
    [
        ("subscription_items", "subscriptions", an_item),
        ("invoice_line_items", "invoices", a_line),
        ("invoice_line_items", "invoices", a_draft),
        ("bank_accounts", "customers", of_a_customer("bank_account")),
        ("customer_cards", "customers", of_a_customer("card")),
        ("sources", "customers", of_a_customer("source")),
        ("customer_tax_ids", "customers", of_a_customer("tax_id")),
    ],
)
@pytest.mark.parametrize("together", [True, False])
def test_a_child_that_went_leaves_a_tombstone(
    emulator: StripeEmulator, stream: str, parent: str, removal: Removal, *, together: bool
) -> None:
    streams = [parent, stream] if together else [stream]
    remove, lost = removal(emulator)
    emulator.clock.advance(HOUR)
    first = sync(emulator, streams)
    assert lost <= set(first.output.ids(stream))
    emulator.clock.advance(HOUR)
    now = emulator.clock.now()
    remove()
    emulator.clock.advance(2)

    done = sync(emulator, streams, first.output.state_messages)

    assert gone(done, stream) == lost
    cursor = str(stream_rows()[stream].cursor)
    assert {row[cursor] for row in done.output.records(stream) if row["is_deleted"]} == {now}
    assert not gone(sync(emulator, streams, done.output.state_messages), stream) - lost
