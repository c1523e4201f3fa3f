"""The manifest and the schemas: inside the package once it is built, beside it in a checkout."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
from airbyte_cdk.sources.declarative.schema import SchemaLoader

_PACKAGE = Path(__file__).parent


def resource(name: str) -> Path:
    """Where a file such as `schemas/charges.json` is. Raises FileNotFoundError where the build left it out."""
    for folder in (_PACKAGE, _PACKAGE.parent):
        if (path := folder / name).is_file():
            return path
    raise FileNotFoundError(f"{name} is neither in {_PACKAGE} nor beside it: the package was built without it")


@dataclass
class SchemaFile(SchemaLoader):
    """A stream's JSON schema, read when it is asked for."""

    stream: str

    def get_json_schema(self) -> Mapping[str, Any]:
        schema: Mapping[str, Any] = orjson.loads(resource(f"schemas/{self.stream}.json").read_bytes())
        return schema
