"""A connection to an account where things go wrong: what its syncs say, and whether its destination is right."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from integration_tests.connection import Connection
from integration_tests.convergence import check_is_complete, differences, truth_of
from integration_tests.setup import QUICK, Setup
from integration_tests.syncing import Sync, sync
from stripe_emulator import StripeEmulator, serve

STREAMS = ("charges", "customers")
LIST, OBJECT, CUSTOMERS = "/v1/charges", "/v1/charges/{charge}", "/v1/customers"
EVENTS, ACCOUNT = "/v1/events", "/v1/account"
_HOUR = 3_600


@dataclass
class Trial:
    """An account with three pages of charges and one of customers, and a connection that syncs both."""

    emulator: StripeEmulator
    connection: Connection

    def sync(self, setup: Setup = QUICK, *options: str, workers: int = 2, **config: Any) -> Sync:
        """Go on from the last state, and keep what comes out."""
        states = [*self.connection.states.values()]
        done = sync(self.emulator, STREAMS, states, setup=setup, options=options, num_workers=workers, **config)
        self.connection.take(done.output)
        return done

    def check_right(self, done: Sync) -> None:
        """AssertionError unless a sync was complete, and the destination now holds what Stripe holds."""
        check_is_complete(done, self.connection)
        wrong: list[str] = []
        for stream in STREAMS:
            rows, truth = self.connection.table(stream), truth_of(self.emulator, stream)
            for key in rows.keys() | truth.keys():
                wrong += differences(self.emulator, stream, rows.get(key), truth.get(key))
        assert not wrong, wrong[:10]

    def live_on(self) -> None:
        """Old objects change, one goes, new ones come; some of the old ones are cheapest to be got by their ids."""
        charges, customers = self.emulator.objects("charge"), self.emulator.objects("customer")
        for charge in charges[7::120]:
            self.emulator.update(charge["id"], description="changed")
        self.emulator.delete(customers[3]["id"])
        self.emulator.create("charge")
        self.emulator.clock.advance(_HOUR)


@contextmanager
def trial() -> Iterator[Trial]:
    emulator = StripeEmulator()
    for number in range(250):
        emulator.create("charge")
        if number % 10 == 0:
            emulator.create("customer")
        emulator.clock.advance(60)
    emulator.clock.advance(_HOUR)
    with serve(emulator):
        yield Trial(emulator, Connection(STREAMS))


@dataclass(frozen=True)
class Failure:
    """What a user reads of a stream that failed, and of which type that is."""

    message: str
    type: str


def failures(done: Sync, stream: str) -> list[Failure]:
    """Why a stream failed, as often as it was said."""
    errors: list[dict[str, Any]] = [trace.get("error") or {} for trace in done.output.traces]
    about = [error for error in errors if (error.get("stream_descriptor") or {}).get("name") == stream]
    return [Failure(error["message"], error["failure_type"]) for error in about]
