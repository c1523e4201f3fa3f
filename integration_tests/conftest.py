"""What the integration tests share: an emulated account, and signals as a shell starts a command with them."""

import signal

from integration_tests.syncing import remove_sockets
from stripe_emulator.fixtures import account, emulator, stripe

__all__ = ["account", "emulator", "stripe"]


def pytest_sessionstart() -> None:
    """Commands inherit what is ignored: behind `nohup` and `&` in a script, that are the signals of a terminal."""
    for number, handler in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, handler)


def pytest_sessionfinish() -> None:
    """Leave nothing outside of the checkout."""
    remove_sockets()
