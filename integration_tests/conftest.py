"""What the integration tests share: an emulated account."""

from stripe_emulator.fixtures import account, emulator, stripe

__all__ = ["account", "emulator", "stripe"]
