"""Sends what is meant for api.stripe.com to the emulator. Python imports it before a program that knows no other host.

`requests` is what the peers speak HTTP with. The emulator knows this connector's API version, not their older ones, of
which it has the same objects but for some fields.
"""

import os

from requests.adapters import HTTPAdapter

_STRIPE = "https://api.stripe.com"
_EMULATOR = os.environ["STRIPE_EMULATOR"]
_send = HTTPAdapter.send


def _redirected(self, request, *args, **kwargs):  # type: ignore[no-untyped-def]
    if request.url.startswith(_STRIPE):
        request.url = _EMULATOR + request.url[len(_STRIPE) :]
        request.headers.pop("Stripe-Version", None)
    return _send(self, request, *args, **kwargs)


HTTPAdapter.send = _redirected  # type: ignore[method-assign]
