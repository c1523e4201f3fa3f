"""An Airbyte instance for tests, on loopback: it answers the calls that a registration makes, as strictly as Airbyte.

Paths, fields and refusals are those of Airbyte's platform (config.yaml, api_sdk.yaml and its handlers, August 2026). It
proves what is called with what, and in which order. It proves nothing about pulling images, pods and pages.
"""

from integration_tests.airbyte_stub.instance import Call, Fault, Instance
from integration_tests.airbyte_stub.server import serve

__all__ = ["Call", "Fault", "Instance", "serve"]
