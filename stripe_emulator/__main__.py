"""python -m stripe_emulator --account demo: prints its URL and serves until it is told to stop."""

import argparse
from contextlib import suppress
from functools import partial

import orjson

from stripe_emulator.accounts import bulk, crowd, demo, full
from stripe_emulator.accounts.bulk import Plan
from stripe_emulator.accounts.crowd import Crowd
from stripe_emulator.clock import Clock
from stripe_emulator.emulator import StripeEmulator
from stripe_emulator.limits import Limits
from stripe_emulator.server import listening, server_of, url_of

ACCOUNTS = ("empty", "demo", "full", "bulk", "crowd")


def main() -> None:
    """Serve an account until SIGTERM or SIGINT. The clock starts at the real now and ticks."""
    parser = argparse.ArgumentParser(prog="python -m stripe_emulator", description=main.__doc__)
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1; 0, the default: any free one")
    parser.add_argument("--account", choices=ACCOUNTS, default="empty", help="what the account holds at first")
    parser.add_argument("--seed", type=int, default=1, help="seed that the account is made from")
    parser.add_argument("--plan", type=_plan, default=Plan(), help='what bulk holds: {"rows": {"charge": 1000}}')
    parser.add_argument("--crowd", type=_crowd, default=Crowd(), help='what crowd holds: {"accounts": 1000}')
    parser.add_argument("--limits", type=_limits, default=Limits(), help='{"latency": 0.3, "endpoint_rate": 25}')
    options = parser.parse_args()

    emulator = StripeEmulator(clock=Clock(ticking=True))
    emulator.traffic.limits = options.limits
    if options.account == "demo":
        demo.populate(emulator, seed=options.seed)
        emulator.live_on = partial(demo.live_on, emulator)
    elif options.account == "full":
        full.populate(emulator, seed=options.seed)
        emulator.live_on = partial(full.live_on, emulator)
    elif options.account == "bulk":
        bulk.populate(emulator, options.plan)
    elif options.account == "crowd":
        crowd.populate(emulator, options.crowd)
    with listening(options.port) as listener:
        print(url_of(listener), flush=True)
        with suppress(KeyboardInterrupt):
            server_of(emulator).run([listener])


def _plan(text: str) -> Plan:
    return Plan(**orjson.loads(text))


def _crowd(text: str) -> Crowd:
    return Crowd(**orjson.loads(text))


def _limits(text: str) -> Limits:
    return Limits(**orjson.loads(text))


if __name__ == "__main__":
    main()
