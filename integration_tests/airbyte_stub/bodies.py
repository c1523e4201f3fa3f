"""What the bodies of requests may hold: by the client's models where it has them, else by the platform's files."""

from __future__ import annotations

import copy
from typing import Any, Literal
from uuid import UUID

from airbyte_api import models
from pydantic import BaseModel, ConfigDict, Field, ValidationError


class BodyError(Exception):
    """A body that Airbyte refuses."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=False)


class Token(_Strict):
    client_id: str
    client_secret: str
    grant_type: Literal["client_credentials"] = Field(alias="grant-type")


class SourceCreate(_Strict):
    """Not the client's: that knows Airbyte's own configs only."""

    name: str
    workspaceId: UUID  # noqa: N815
    definitionId: UUID  # noqa: N815
    configuration: dict[str, Any]


class SourcePut(_Strict):
    name: str
    configuration: dict[str, Any]
    resourceAllocation: models.ScopedResourceRequirements | None = None  # noqa: N815


class SourceId(_Strict):
    sourceId: UUID  # noqa: N815


class ConnectionId(_Strict):
    connectionId: UUID  # noqa: N815


class StreamDescriptor(_Strict):
    name: str
    namespace: str | None = None


class StreamState(_Strict):
    streamDescriptor: StreamDescriptor  # noqa: N815
    streamState: dict[str, Any] | None = None  # noqa: N815


class ConnectionState(_Strict):
    stateType: Literal["stream"]  # noqa: N815
    connectionId: UUID  # noqa: N815
    streamState: list[StreamState]  # noqa: N815


class StateUpdate(_Strict):
    connectionId: UUID  # noqa: N815
    connectionState: ConnectionState  # noqa: N815


BODIES: dict[str, type[BaseModel]] = {
    "token": Token,
    "make definition": models.CreateDefinitionRequest,
    "update definition": models.UpdateDefinitionRequest,
    "make source": SourceCreate,
    "update source": SourcePut,
    "make connection": models.ConnectionCreateRequest,
    "check": SourceId,
    "discover": SourceId,
    "state": ConnectionId,
    "set state": StateUpdate,
}


MAPPERS: dict[str, type[BaseModel]] = {
    "hashing": models.HashingMapperConfiguration,
    "field-renaming": models.FieldRenamingMapperConfiguration,
    "field-filtering": models.FieldFilteringMapperConfiguration,
    "row-filtering": models.RowFilteringMapperConfiguration,
}
"""By their types: the client's model of a stream can't read them."""


def validate(operation: str, body: Any) -> None:
    """Raises BodyError with what is wrong if a body is not what this operation takes."""
    if operation == "make connection":
        body = copy.deepcopy(body)
        for stream in body.get("configurations", {}).get("streams", []):
            for mapper in stream.pop("mappers", []):
                _validate(MAPPERS[mapper["type"]], mapper["mapperConfiguration"])
    _validate(BODIES[operation], body)


def _validate(model: type[BaseModel], body: Any) -> None:
    try:
        kept = model.model_validate(body).model_dump(mode="json", by_alias=True)
    except ValidationError as error:
        places = [".".join(map(str, each["loc"])) + ": " + each["msg"] for each in error.errors()]
        raise BodyError("; ".join(places)) from None
    unknown = _lost(body, kept)
    if unknown:
        # The client's models pass over what they do not know. Airbyte does not.
        raise BodyError(f"unknown: {', '.join(unknown)}")


def _lost(given: Any, kept: Any, place: str = "") -> list[str]:
    """Places in a body that a model did not keep."""
    if isinstance(given, dict) and isinstance(kept, dict):
        gone = [f"{place}{name}" for name in given if name not in kept]
        inside = [_lost(given[name], kept[name], f"{place}{name}.") for name in given if name in kept]
        return gone + [each for found in inside for each in found]
    if isinstance(given, list) and isinstance(kept, list):
        return [each for one, other in zip(given, kept, strict=True) for each in _lost(one, other, place)]
    return []
