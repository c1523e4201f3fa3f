"""Airbyte's standard tests, as the CDK ships them: in process and in the image, against the emulator's demo account."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from airbyte_cdk.test.models import ConnectorTestScenario
from airbyte_cdk.test.standard_tests import SourceTestSuiteBase, pytest_hooks
from airbyte_cdk.test.standard_tests._job_runner import IConnector

from source_stripe.source import SourceStripe
from stripe_emulator import StripeEmulator, serve
from stripe_emulator.accounts import full

_ROOT = Path(__file__).parent.parent
_CONFIGS = _ROOT / ".standard-tests"
"""Where acceptance-test-config.yml looks for them."""

# Gives each test of the suite the scenarios of acceptance-test-config.yml.
pytest_generate_tests = pytest_hooks.pytest_generate_tests


@pytest.fixture(scope="module", autouse=True)
def _configs() -> Iterator[None]:
    """The configs that acceptance-test-config.yml names, while the account they open is served."""
    emulator = StripeEmulator()
    full.populate(emulator)
    emulator.clock.advance(2)
    with serve(emulator) as url:
        config = {
            "client_secret": emulator.key,
            "api_url": url,
            "start_date": "2017-01-25T00:00:00Z",
            "call_rate_limit": 10_000,
        }
        _CONFIGS.mkdir(exist_ok=True)
        (_CONFIGS / "config.json").write_text(json.dumps(config))
        (_CONFIGS / "wrong_key.json").write_text(json.dumps({**config, "client_secret": "sk_test_not_the_emulators_1"}))
        yield


@pytest.fixture
def connector_image_override(image: str) -> str:
    """The image that the suite tests, instead of one it would build from Airbyte's own Dockerfile."""
    return image


@pytest.fixture
def connector_base_image_override() -> None:
    """None: the image is built already."""


@pytest.fixture
def read_from_streams() -> str:
    """All of them: the suite's default reads those of metadata.yaml's `suggestedStreams`."""
    return "all"


@pytest.fixture
def read_scenarios() -> str:
    """The one named `config`."""
    return "default"


class TestStandard(SourceTestSuiteBase):
    """The suite. What it asks is in the base classes."""

    # It asks Airbyte's public registry what was published under our name. Nothing was, and tests talk to loopback only.
    test_docker_image_spec_backward_compatibility = None  # type: ignore[assignment]

    @classmethod
    def get_connector_root_dir(cls) -> Path:
        return _ROOT

    @classmethod
    def create_connector(cls, scenario: ConnectorTestScenario | None) -> IConnector:
        """The source as the entry point makes it: the config has to reach the constructor."""
        config = scenario.get_config_dict(connector_root=_ROOT, empty_if_missing=True) if scenario else None
        return SourceStripe(catalog=None, config=config, state=None)
