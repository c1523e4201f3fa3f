"""What the bodies of requests may hold: by the client's models where it has them, else by the platform's files."""

from __future__ import annotations

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


def validated(operation: str, body: Any) -> Any:
    """The body, if it is what this operation takes.

    Raises BodyError with what is wrong.
    """
    try:
        model = BODIES[operation].model_validate(body)
    except ValidationError as error:
        places = [".".join(map(str, each["loc"])) + ": " + each["msg"] for each in error.errors()]
        raise BodyError("; ".join(places)) from None
    unknown = [*_lost(body, model.model_dump(mode="json", by_alias=True))]
    if unknown:
        # The client's models pass over what they do not know. Airbyte does not.
        raise BodyError(f"unknown: {', '.join(unknown)}")
    return body


def _lost(given: Any, kept: Any, place: str = "") -> list[str]:
    """Places in a body that a model did not keep."""
    if isinstance(given, dict) and isinstance(kept, dict):
        gone = [f"{place}{name}" for name in given if name not in kept]
        inside = [_lost(given[name], kept[name], f"{place}{name}.") for name in given if name in kept]
        return gone + [each for found in inside for each in found]
    if isinstance(given, list) and isinstance(kept, list):
        return [each for one, other in zip(given, kept, strict=True) for each in _lost(one, other, place)]
    return []
