"""The calls to an Airbyte instance.

Airbyte has two APIs. The client `airbyte-api` (1.0.1) has the public one, but can't be used for all of it. Its models
of sources know Airbyte's own connectors only: of this connector's config they would drop keys, and fill in those of
another one. A connection with a mapper, which hashes a column, it can't read. So both go by plain requests, as does
what only the config API has: check, discover and states.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from airbyte_api import api, models

from tools.registration.calls import PAGE, Answer, Calls

Json = dict[str, Any]


@dataclass(frozen=True)
class Source:
    """A source, with its config as far as Airbyte shows it."""

    id: str
    name: str
    definition_id: str
    config: Json
    resources: Json | None

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Source:
        config = dict(row.get("configuration") or {})
        return cls(row["sourceId"], row["name"], row["definitionId"], config, row.get("resourceAllocation"))


@dataclass(frozen=True)
class Connection:
    """A connection, and all that Airbyte shows of it."""

    id: str
    name: str
    source_id: str
    destination_id: str
    status: str
    streams: list[Json]
    shown: Json

    @classmethod
    def of(cls, row: Json) -> Connection:
        streams = list((row.get("configurations") or {}).get("streams") or ())
        ends = (row["sourceId"], row["destinationId"])
        return cls(row["connectionId"], row["name"], *ends, row["status"], streams, row)


class Airbyte(Calls):
    """An instance: what is asked of it, and what it is told."""

    # The public API.

    def workspaces(self) -> list[models.WorkspaceResponse]:
        def page(offset: int) -> list[models.WorkspaceResponse]:
            request = api.ListWorkspacesRequest(limit=PAGE, offset=offset)
            found = self.client.workspaces.list_workspaces(request=request).workspaces_response
            return list(found.data) if found else []

        return [*self.pages("Listing the workspaces", "GET /workspaces", page)]

    def definitions(self, workspace: str) -> list[models.DefinitionResponse]:
        def ask() -> list[models.DefinitionResponse]:
            request = api.ListSourceDefinitionsRequest(workspace_id=workspace)
            found = self.client.source_definitions.list_source_definitions(request=request).definitions_response
            return list(found.data) if found else []

        return self.again("Listing the source definitions", "GET /workspaces/.../definitions/sources", ask)

    def make_definition(self, workspace: str, name: str, repository: str, tag: str) -> models.DefinitionResponse:
        body = models.CreateDefinitionRequest(name=name, docker_repository=repository, docker_image_tag=tag)
        request = api.CreateSourceDefinitionRequest(workspace_id=workspace, create_definition_request=body)
        return self.once(
            "Making the definition",
            "POST /workspaces/.../definitions/sources",
            lambda: _there(
                self.client.source_definitions.create_source_definition(request=request).definition_response
            ),
        )

    def update_definition(self, workspace: str, definition: models.DefinitionResponse, tag: str) -> None:
        body = models.UpdateDefinitionRequest(name=definition.name, docker_image_tag=tag)
        request = api.UpdateSourceDefinitionRequest(
            workspace_id=workspace, definition_id=definition.id, update_definition_request=body
        )
        self.once(
            "Updating the definition",
            "PUT /workspaces/.../definitions/sources/...",
            lambda: self.client.source_definitions.update_source_definition(request=request),
        )

    def jobs(self, connection_id: str, status: models.JobStatusEnum | None = None) -> list[models.JobResponse]:
        """One job of a connection, if there is one."""

        def ask() -> list[models.JobResponse]:
            request = api.ListJobsRequest(connection_id=connection_id, status=status, limit=1)
            found = self.client.jobs.list_jobs(request=request).jobs_response
            return list(found.data) if found else []

        return self.again("Looking for syncs", "GET /jobs", ask)

    def sources(self, workspace: str) -> list[Source]:
        place = "GET /api/public/v1/sources"

        def page(offset: int) -> list[Source]:
            query = {"workspaceIds": workspace, "limit": str(PAGE), "offset": str(offset)}
            return [Source.of(row) for row in self.send(place, params=query)["data"]]

        return [*self.pages("Listing the sources", place, page)]

    def connection(self, connection_id: str) -> Connection:
        place = f"GET /api/public/v1/connections/{quote(connection_id, safe='')}"
        what = f"Reading the connection {connection_id}"
        return self.again(what, place, lambda: Connection.of(self.send(place)))

    def connections(self, workspace: str) -> list[Connection]:
        place = "GET /api/public/v1/connections"

        def page(offset: int) -> list[Connection]:
            query = {"workspaceIds": workspace, "limit": str(PAGE), "offset": str(offset)}
            return [Connection.of(row) for row in self.send(place, params=query)["data"]]

        return [*self.pages("Listing the connections", place, page)]

    def make_connection(self, body: Json) -> Connection:
        place = "POST /api/public/v1/connections"
        return self.once("Making the connection", place, lambda: Connection.of(self.send(place, json=body)))

    def make_source(self, workspace: str, definition_id: str, name: str, config: Json) -> Source:
        body = {"name": name, "workspaceId": workspace, "definitionId": definition_id, "configuration": config}
        place = "POST /api/public/v1/sources"
        return self.once("Making the source", place, lambda: Source.of(self.send(place, json=body)))

    def update_source(self, source: Source, config: Json) -> None:
        place = f"PUT /api/public/v1/sources/{source.id}"
        body: Json = {"name": source.name, "configuration": config}
        if source.resources:
            body["resourceAllocation"] = source.resources
        self.again("Updating the source", place, lambda: self.send(place, json=body))

    # The config API.

    def check(self, source_id: str) -> Json:
        return self._config_call("Checking the source", "sources/check_connection", {"sourceId": source_id})

    def discover(self, source_id: str) -> Json:
        return self._config_call("Discovering the streams", "sources/discover_schema", {"sourceId": source_id})

    def state(self, connection_id: str) -> Json:
        return self._config_call("Reading a state", "state/get", {"connectionId": connection_id})

    def set_state(self, connection_id: str, states: list[Json]) -> None:
        """Raises AirbyteError with status 423 if a sync of the connection runs."""
        state = {"stateType": "stream", "connectionId": connection_id, "streamState": states}
        body = {"connectionId": connection_id, "connectionState": state}
        self._config_call("Taking the state over", "state/create_or_update_safe", body)

    def _config_call(self, what: str, path: str, body: Json) -> Json:
        place = f"POST /api/v1/{path}"
        answer: Json = self.again(what, place, lambda: self.send(place, json=body))
        return answer


def _there(answer: Answer | None) -> Answer:
    if answer is None:
        raise ValueError("empty")
    return answer
