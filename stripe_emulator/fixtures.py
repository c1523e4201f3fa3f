"""For tests with pytest: an emulated account, and a client that asks it. A conftest.py imports what its tests use."""

from collections.abc import Iterator

import pytest
import requests

from stripe_emulator import StripeEmulator, serve
from stripe_emulator.accounts import full


class Client:
    """Asks the emulator over HTTP, as a connector would."""

    def __init__(self, emulator: StripeEmulator) -> None:
        self.url = emulator.url
        self.session = requests.Session()
        self.session.headers["Authorization"] = f"Bearer {emulator.key}"

    def get(self, path: str, **headers: str) -> requests.Response:
        return self.session.get(self.url + path, headers=headers, timeout=10)

    def list(self, path: str) -> list[str]:
        """The ids of a page."""
        answer = self.get(path)
        assert answer.status_code == 200, answer.text
        return [row["id"] for row in answer.json()["data"]]

    def refusal(self, path: str, **headers: str) -> tuple[int, str | None, str, str | None]:
        """Status, code, message and param of an error."""
        answer = self.get(path, **headers)
        error = answer.json()["error"]
        assert error["request_log_url"].startswith(
            f"https://dashboard.stripe.com/test/logs/{answer.headers['Request-Id']}?"
        )
        return answer.status_code, error.get("code"), error["message"], error.get("param")


@pytest.fixture
def emulator() -> Iterator[StripeEmulator]:
    """An empty Stripe account, served at `emulator.url` for as long as the test runs."""
    emulator = StripeEmulator()
    with serve(emulator):
        yield emulator


@pytest.fixture(scope="module")
def account() -> Iterator[StripeEmulator]:
    """An account that has some of everything, served for a module's tests; some modules have another of this name."""
    emulator = StripeEmulator()
    full.populate(emulator)
    emulator.clock.advance(2)
    with serve(emulator):
        yield emulator


@pytest.fixture
def stripe(emulator: StripeEmulator) -> Iterator[Client]:
    """Asks the emulator as a connector would."""
    client = Client(emulator)
    with client.session:
        yield client
