"""What reading a list may cost, whichever of its readers is quicker.

They cut it into pieces, and how many depends on that: how few pieces cost requests for nothing is tried in simulated
time (unit_tests/test_sharing.py).
"""

from __future__ import annotations

from stripe_emulator import StripeEmulator

_A_PAGE = 100


def most_for(emulator: StripeEmulator, path: str, rows: int) -> int:
    """Requests for so many rows of a list: their pages, or a single one by its id, and one for each piece cut off."""
    pieces = sum(request.path == path and "starting_after" not in request.params for request in emulator.requests)
    return max(1, -(-rows // _A_PAGE)) + max(0, pieces - 1)
