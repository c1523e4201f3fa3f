"""A strict Stripe that runs on this machine, in memory: for tests, the demo and benchmarks.

emulator = StripeEmulator()
charge = emulator.create("charge", amount=1200)
with serve(emulator) as url:
    requests.get(f"{url}/v1/charges", headers={"Authorization": f"Bearer {emulator.key}"})
"""

from stripe_emulator.clock import Clock
from stripe_emulator.emulator import Request, StripeEmulator
from stripe_emulator.server import serve

__all__ = ["Clock", "Request", "StripeEmulator", "serve"]
