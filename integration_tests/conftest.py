"""What the integration tests share: an emulated account."""

from integration_tests.syncing import remove_sockets
from stripe_emulator.fixtures import account, emulator, stripe

__all__ = ["account", "emulator", "stripe"]


def pytest_sessionfinish() -> None:
    """Leave nothing outside of the checkout."""
    remove_sockets()
