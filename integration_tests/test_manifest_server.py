"""The CDK's manifest server, which the Connector Builder talks to, takes the manifest as it is."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
import uvicorn
from airbyte_cdk.manifest_server.app import app

from stripe_emulator import StripeEmulator
from stripe_emulator.server import listening, url_of
from unit_tests.conftest import MANIFEST, ROWS

# The CDK would rather have one `url`: the address that all rows share would then stand in each.
pytestmark = pytest.mark.filterwarnings("ignore:Component type. `HttpRequester`:DeprecationWarning")

Ask = Callable[..., dict[str, Any]]

SAMPLE = (
    "account",
    "charges",
    "prices",
    "invoice_line_items",
    "discounts",
    "setup_attempts",
    "reserve_holds",
    "v2_core_accounts",
)
"""A stream of every kind: single, listed, in passes, in one parent, in several, by request, out of events, v2's.

No more: the server builds all streams for each.
"""


@pytest.fixture(scope="module")
def ask(account: StripeEmulator) -> Iterator[Ask]:
    """Asks the server about the manifest, with a config of the full account; the answer's body."""
    config = {"client_secret": account.key, "api_url": account.url, "call_rate_limit": 10_000}
    with pytest.MonkeyPatch.context() as patch, listening(0) as listener:
        # Components of our own are code that the server has no reason to trust.
        patch.setenv("AIRBYTE_ENABLE_UNSAFE_CODE", "true")
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()

        def post(what: str, **more: Any) -> dict[str, Any]:
            body = {"manifest": MANIFEST.text, **more}
            if what != "resolve":
                body["config"] = config
            answer = requests.post(f"{url_of(listener)}/v1/manifest/{what}", json=body, timeout=120)
            assert answer.status_code == 200, answer.text[:1000]
            told: dict[str, Any] = answer.json()
            return told

        yield post
        server.should_exit = True
        thread.join()


def test_it_resolves_the_manifest(ask: Ask) -> None:
    resolved = ask("resolve")["manifest"]

    assert [row["$parameters"]["name"] for row in resolved["streams"]] == list(ROWS)


def test_it_resolves_it_for_a_config(ask: Ask) -> None:
    assert len(ask("full_resolve")["manifest"]["streams"]) == len(ROWS)


def test_it_checks_the_connection(ask: Ask) -> None:
    assert ask("check") == {"success": True, "message": None}


def test_it_discovers_every_stream_with_its_schema(ask: Ask) -> None:
    streams = ask("discover")["catalog"]["streams"]

    assert [stream["name"] for stream in streams] == list(ROWS)
    assert all(stream["json_schema"]["properties"] for stream in streams)


@pytest.mark.parametrize("name", SAMPLE)
def test_it_reads_rows_of_a_stream(name: str, ask: Ask) -> None:
    read = ask("test_read", stream_name=name, page_limit=2, slice_limit=3)

    pages = [page for part in read["slices"] for page in part["pages"]]
    assert [row for page in pages for row in page["records"]], read["logs"]
