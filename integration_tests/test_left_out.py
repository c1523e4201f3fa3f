"""Connected accounts that can't be asked: they are left out, the rows of the others arrive."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from integration_tests.syncing import Sync, sync
from stripe_emulator import StripeEmulator, errors, faults, serve
from stripe_emulator.faults import Fault

COUNT = 7
FORBIDDEN = faults.refused(
    403,
    errors.missing_permission("rk_test_emulator_0001", "acct_1", "rak_accounts_kyc_basic_read").message,
    kind="invalid_request_error",
)
INVALID = faults.refused(
    403, errors.account_invalid("sk_test_emulator_51PqZ", "acct_1").message, code="account_invalid"
)
NOT_SET_UP = faults.refused(400, "Your account is not set up to use Treasury.", kind="invalid_request_error")
# Two of them name the key.
REFUSALS = [FORBIDDEN, INVALID, NOT_SET_UP]

# By stream: what Stripe lists for each parent, where {id} is the parent's.
OF_ACCOUNTS = {
    "account_capabilities": "/v1/accounts/{id}/capabilities",
    "persons": "/v1/accounts/{id}/persons",
    "external_account_bank_accounts": "/v1/accounts/{id}/external_accounts",
    "external_account_cards": "/v1/accounts/{id}/external_accounts",
}


@pytest.fixture
def emulator() -> Iterator[StripeEmulator]:
    """Seven connected accounts, each with capabilities, a person, and more external accounts than are embedded."""
    emulator = StripeEmulator()
    for _ in range(COUNT):
        own = [{"object": kind} for kind in ("bank_account", "card") * 6]
        account = emulator.create("account", external_accounts=own)["id"]
        emulator.create("person", account=account)
        emulator.create("capability", account=account, id="card_payments")
    emulator.clock.advance(2)
    with serve(emulator):
        yield emulator


def accounts(emulator: StripeEmulator) -> list[str]:
    return [row["id"] for row in emulator.objects("account") if row["id"] != emulator.account["id"]]


def refuse(emulator: StripeEmulator, ids: list[str], fault: Fault) -> None:
    for each in ids:
        for path in {path.format(id=each) for path in OF_ACCOUNTS.values()}:
            emulator.faults.add(fault, on=path, times=None)


def words_of(fault: Fault) -> str:
    """What the refusal says, up to the key, which is masked."""
    return str(fault.refusal).partition("'")[0]


def warnings(done: Sync, stream: str) -> list[str]:
    return [log for log in done.output.logs if log.startswith(f"WARN The stream {stream} ")]


@pytest.mark.parametrize("fault", REFUSALS, ids=lambda fault: fault.name)
@pytest.mark.parametrize("mode", ["full_refresh", "incremental"])
def test_one_refused_account_is_left_out(emulator: StripeEmulator, fault: Fault, mode: str) -> None:
    refused, *others = accounts(emulator)
    refuse(emulator, [refused], fault)

    done = sync(emulator, OF_ACCOUNTS, mode=mode)

    assert done.code == 0
    assert done.output.errors == []
    assert done.output.statuses == dict.fromkeys(OF_ACCOUNTS, "COMPLETE")
    for stream in OF_ACCOUNTS:
        assert {row["account"] for row in done.output.records(stream)} == set(others), stream
        (warning,) = warnings(done, stream)
        assert warning.startswith(
            f"WARN The stream {stream} lacks what belongs to 1 of accounts, which Stripe refuses: {refused}. "
            f"Of {refused} it says: {words_of(fault)}"
        )
        assert "req_" in warning


def test_five_are_named_and_the_others_counted(emulator: StripeEmulator) -> None:
    *refused, other = accounts(emulator)
    refuse(emulator, refused, FORBIDDEN)

    done = sync(emulator, ["persons"], num_workers=1)

    assert {row["account"] for row in done.output.records("persons")} == {other}
    (warning,) = warnings(done, "persons")
    assert f"belongs to 6 of accounts, which Stripe refuses: {', '.join(refused[:5])} and 1 more. Of" in warning


@pytest.mark.parametrize(
    ("fault", "what_to_do"),
    [
        (FORBIDDEN, "or leave the stream out"),
        (INVALID, "a connected account may have to be connected again"),
        (NOT_SET_UP, "Leave the stream out, or turn the product on"),
    ],
)
def test_where_all_are_refused_the_stream_fails(emulator: StripeEmulator, fault: Fault, what_to_do: str) -> None:
    refuse(emulator, accounts(emulator), fault)

    done = sync(emulator, ["persons", "charges"])

    assert done.code == 1
    assert done.output.statuses == {"persons": "INCOMPLETE", "charges": "COMPLETE"}
    error, *_ = [error for error in done.output.errors if "persons" in error]
    assert words_of(fault) in error
    assert what_to_do in error
    assert done.output.states("persons") == []
    assert warnings(done, "persons") == []


def test_what_is_no_refusal_of_the_account_fails_the_stream(emulator: StripeEmulator) -> None:
    refused, *_ = accounts(emulator)
    refuse(emulator, [refused], faults.VERSION_REFUSED)

    done = sync(emulator, ["persons"])

    assert done.output.statuses == {"persons": "INCOMPLETE"}
    assert warnings(done, "persons") == []


# ---- accounts of v2 and of Treasury, whose children have events


STREAMS = {
    "v2_core_account_persons": "/v2/core/accounts/{id}/persons",
}


@pytest.mark.parametrize("stream", STREAMS)
def test_an_account_that_is_refused_when_events_name_it_is_left_out(account: StripeEmulator, stream: str) -> None:
    path = STREAMS[stream]
    first = sync(account, [stream])
    assert first.output.errors == []
    row = first.output.records(stream)[0]
    account.faults.add(FORBIDDEN, on=path.format(id=row["account"]), times=None)
    account.update(row["id"])
    account.clock.advance(2)

    try:
        done = sync(account, [stream], first.output.state_messages)
        again = sync(account, [stream])
    finally:
        account.faults.clear()

    assert done.output.errors == []
    assert done.output.records(stream) == []
    assert {one["account"] for one in again.output.records(stream)} == {
        one["account"] for one in first.output.records(stream)
    } - {row["account"]}
    assert len(warnings(again, stream)) == 1


def test_nothing_of_a_first_sync_counts_as_done_while_all_is_refused(account: StripeEmulator) -> None:
    stream = "treasury_inbound_transfers"
    account.faults.add(NOT_SET_UP, on="/v1/treasury/inbound_transfers", times=None)
    try:
        failed = sync(account, [stream])
    finally:
        account.faults.clear()
    assert failed.output.statuses == {stream: "INCOMPLETE"}

    done = sync(account, [stream], failed.output.state_messages)

    assert set(done.output.ids(stream)) == {row["id"] for row in account.truth("treasury.inbound_transfer")}
