"""A stream's schema, out of its file: in a checkout, a wheel and the Builder alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import InitVar, dataclass, field
from typing import Any

import orjson
from airbyte_cdk.sources.declarative.schema import SchemaLoader

from source_stripe.catalog.package_files import resource


@dataclass
class SchemaFile(SchemaLoader):
    """Loads schemas/<name>.json, `name` being the stream's `$parameters.name`."""

    config: Mapping[str, Any]
    parameters: InitVar[Mapping[str, Any]]
    stream: str = field(init=False)

    def __post_init__(self, parameters: Mapping[str, Any]) -> None:
        self.stream = parameters["name"]

    def get_json_schema(self) -> Mapping[str, Any]:
        schema: Mapping[str, Any] = orjson.loads(resource(f"schemas/{self.stream}.json").read_bytes())
        return schema
