"""The key is in nothing that comes out: whatever goes wrong, with every package at DEBUG and the CDK's mask off."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from integration_tests.setup import IMPATIENT, Setup
from integration_tests.syncing import Sync, command
from integration_tests.trial import ACCOUNT, CUSTOMERS, LIST, Trial, trial
from stripe_emulator import faults
from stripe_emulator.faults import Fault
from stripe_emulator.keys import Key

_PREFIX, _SECRET = "sk_test_", "emulator_4eC39HqLyjWDarjtT1zdp7dc"
_MIDDLE = len(_SECRET) // 2
KEY = _PREFIX + _SECRET
SECRETS = (_SECRET[:_MIDDLE], _SECRET[_MIDDLE:], b64encode(KEY.encode()).decode()[:20])
"""Each half of what is behind the key's prefix, and how it would begin in Basic auth."""
TELLING = Setup(IMPATIENT.backoff, {"connect": 5, "read": 0.15, "whole": 0.25}, tells_all=True)

_ECHOES = (
    faults.refused(401, f"Invalid API Key provided: {KEY}", kind="invalid_request_error", code=KEY),
    faults.refused(403, f"The provided key '{KEY}' does not have the required permissions.", param=KEY),
    faults.refused(500, f"Authorization: Bearer {KEY}", kind=KEY),
    faults.refused(503, headers={"Retry-After": KEY}),
    faults.limited(KEY),
    faults.redirected(f"https://{KEY}:{KEY}@elsewhere.test/{KEY}?key={KEY}"),
    replace(faults.HTML, name="HTML with the key", reply=lambda reply, _: replace(reply, body=KEY.encode())),
)
"""What answers says the key itself."""
_FAULTS = (
    *faults.PASSING,
    *faults.SLOW,
    faults.TOLD_NOT_TO_RETRY,
    faults.VERSION_REFUSED,
    faults.CURSOR_GONE,
    faults.CLOSED_IN_HEAD,
    faults.DUPLICATE_PAGE,
    faults.REPEATED_CURSOR,
    faults.MORE_WITHOUT_ROWS,
    faults.ROW_WITHOUT_ID,
    faults.redirected("https://elsewhere.test/v1/charges"),
    faults.redirected("/v1/charges"),
    faults.clock_off(600),
    faults.clock_off(-600),
    *_ECHOES,
)


@pytest.fixture(scope="module")
def served() -> Iterator[Trial]:
    with trial() as account:
        account.emulator.key = KEY
        account.emulator.keys[KEY] = Key(KEY)
        yield account


@pytest.fixture
def account(served: Trial) -> Iterator[Trial]:
    """Nothing was synced yet, and all goes well."""
    served.connection.states.clear()
    yield served
    served.emulator.faults.clear()


def test_no_fault_is_left_out() -> None:
    """Those are all that the emulator has: a new one has to be added here."""
    known = {fault.name.split()[0] for fault in _FAULTS}
    constants = {fault.name.split()[0] for fault in vars(faults).values() if isinstance(fault, Fault)}
    assert constants - known == {"none"}


@pytest.mark.parametrize("fault", _FAULTS, ids=lambda fault: fault.name.replace(KEY, "the key"))
def test_no_sync_tells_the_key(account: Trial, fault: Fault) -> None:
    """A stream meets the fault once, another one all the time."""
    account.emulator.faults.add(fault, on=LIST)
    account.emulator.faults.add(fault, on=CUSTOMERS, times=None)

    check_tells_no_secret(account.sync(TELLING, "--debug"))

    assert account.emulator.faults.met[fault.name]


def test_no_sync_tells_the_key_when_all_goes_well_or_it_is_revoked(account: Trial) -> None:
    def revoke() -> None:
        account.emulator.keys[KEY] = Key(KEY, expired=True)

    account.emulator.faults.add(faults.happening("revoked", revoke), on=LIST, having="starting_after")
    failed = account.sync(TELLING, "--debug")
    account.emulator.keys[KEY] = Key(KEY)
    done = account.sync(TELLING, "--debug")

    assert (failed.code, done.code) == (1, 0)
    check_tells_no_secret(failed)
    check_tells_no_secret(done)


@pytest.mark.parametrize("name", ["check", "discover"])
@pytest.mark.parametrize(
    "fault",
    [faults.NONE, faults.RESET, faults.STALLED_HEAD, faults.HTML, faults.CLOSED_IN_BODY, *_ECHOES],
    ids=lambda fault: fault.name.replace(KEY, "the key"),
)
def test_no_other_command_tells_the_key(account: Trial, name: str, fault: Fault) -> None:
    account.emulator.faults.add(fault, on=ACCOUNT, times=None)
    account.emulator.faults.add(fault, on=LIST, times=None)

    check_tells_no_secret(command(name, account.emulator, "--debug", setup=TELLING), asks=name == "check")


@pytest.mark.parametrize("name", ["check", "discover", "read"])
@pytest.mark.parametrize(
    ("secret", "others"),
    [
        (f"{KEY}x", {}),
        (KEY.replace("sk", "pk"), {}),
        (KEY, {"call_rate_limit": "x"}),
        (KEY, {"api_url": f"http://{KEY}@"}),
    ],
    ids=["unknown key", "publishable key", "other setting", "key in the address"],
)
def test_a_config_that_is_refused_is_not_repeated(
    account: Trial, name: str, secret: str, others: dict[str, Any]
) -> None:
    config = {"client_secret": secret, **others}
    if name == "read":
        done = account.sync(TELLING, "--debug", **config)
    else:
        done = command(name, account.emulator, "--debug", setup=TELLING, **config)

    check_tells_no_secret(done, asks=False)


def check_tells_no_secret(done: Sync, *, asks: bool = True) -> None:
    """AssertionError if one is in the messages or on stderr, or if nothing was logged that could have held it."""
    output = "".join(done.lines)
    assert "GET /v1/" in output or not asks
    for secret in SECRETS:
        assert secret not in output
        assert secret not in done.stderr
