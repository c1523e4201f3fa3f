"""What an instance holds, and what it answers to each operation."""

from __future__ import annotations

import copy
import json
import re
import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from logging import getLogger
from typing import Any

from airbyte_cdk.models import AirbyteMessage, AirbyteMessageSerializer, Type
from airbyte_cdk.utils.traced_exception import AirbyteTracedException
from jsonschema import Draft7Validator

from integration_tests.airbyte_stub.bodies import BodyError, validate
from integration_tests.airbyte_stub.rules import schedule_faults, stream_faults
from source_stripe import SourceStripe

Json = dict[str, Any]

READING = frozenset({
    "token", "workspaces", "definitions", "sources", "connections", "connection", "jobs", "state", "check", "discover",
})  # fmt: skip
"""Operations that change nothing."""

_HIDDEN = "**********"


@dataclass(frozen=True)
class Call:
    """A call that was made."""

    operation: str
    body: Any = None


@dataclass
class Fault:
    """What an operation does instead of its work, so many times: answers with a status, or not in time."""

    operation: str
    status: int = 0
    body: str = ""
    times: int = 10**9
    seconds: float = 0.0


class RefusedError(Exception):
    """An answer that refuses: `public` in the form of the public API, else of the config API."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status, self.message = status, message


@cache
def _spec() -> Draft7Validator:
    """What the connector's image takes as a config."""
    return Draft7Validator(SourceStripe().spec(getLogger("airbyte.stub")).connectionSpecification)


def _new() -> str:
    return str(uuid.uuid4())


@dataclass
class Instance:
    """An instance with one workspace, Airbyte's own Stripe connector, and a destination."""

    images: set[str] = field(default_factory=set)
    """Those that its cluster can pull."""
    client_id: str = "11111111-2222-4333-8444-555555555555"
    client_secret: str = "airbyte-application-secret"
    workspaces: list[Json] = field(default_factory=list)
    definitions: list[Json] = field(default_factory=list)
    sources: list[Json] = field(default_factory=list)
    connections: list[Json] = field(default_factory=list)
    states: dict[str, Json] = field(default_factory=dict)
    syncs: dict[str, int] = field(default_factory=dict)
    """Connections whose sync runs, and for how many looks at it still."""
    synced: set[str] = field(default_factory=set)
    """Connections that have jobs behind them."""
    refused_keys: dict[str, str] = field(default_factory=dict)
    """Keys that the check refuses, and its words."""
    left_out: set[str] = field(default_factory=set)
    """Streams that the image lacks."""
    faults: list[Fault] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    """The one that counts is the last."""
    lock: threading.RLock = field(default_factory=threading.RLock)

    def __post_init__(self) -> None:
        if not self.workspaces:
            self.workspaces = [_workspace("Default Workspace")]
        own = {"id": _new(), "name": "Stripe", "dockerRepository": "airbyte/source-stripe", "dockerImageTag": "5.14.1"}
        self.definitions.append(own)

    @property
    def workspace(self) -> str:
        return str(self.workspaces[0]["workspaceId"])

    @property
    def written(self) -> list[str]:
        """The operations that were called and change something."""
        return [each.operation for each in self.calls if each.operation not in READING]

    def called(self, operation: str) -> list[Any]:
        """The bodies that an operation was called with."""
        return [each.body for each in self.calls if each.operation == operation]

    def old_connection(self, streams: list[Json], states: Json | None = None, **about: Any) -> str:
        """A connection of Airbyte's own connector; `states` by stream."""
        source = self._add_source("Old Stripe", self.definitions[0]["id"], {"client_secret": "rk_test_old"})
        connection = self._add_connection({
            "name": "Stripe to Warehouse", "sourceId": source["sourceId"], "destinationId": _new(),
            "configurations": {"streams": streams}, "prefix": "stripe_", "namespaceDefinition": "custom_format",
            "namespaceFormat": "raw", "schedule": {"scheduleType": "basic", "basicTiming": "Every 6 HOURS"},
            "nonBreakingSchemaUpdatesBehavior": "propagate_columns", "status": "active", **about,
        })  # fmt: skip
        if states is not None:
            self.states[connection["connectionId"]] = stream_state(connection["connectionId"], states)
        return str(connection["connectionId"])

    def expire_token(self) -> None:
        self.tokens.append("")

    # What is asked for by name; `about` is the path's and the query's.

    def answer(self, operation: str, body: Any, about: dict[str, str], token: str) -> str:
        """Answer a call, in JSON.

        Raises RefusedError where Airbyte refuses.
        """
        with self.lock:
            self.calls.append(Call(operation, copy.deepcopy(body)))
            if operation == "token":
                return json.dumps(self._token(body))
            if not self.tokens or token != self.tokens[-1]:
                raise RefusedError(401, "Unauthorized")
            if body is not None:
                try:
                    validate(operation, body)
                except BodyError as error:
                    raise RefusedError(422, f"The body of the request was not understood: {error}") from None
            handler: Callable[[Any, dict[str, str]], Json] = getattr(self, "_" + operation.replace(" ", "_"))
            return json.dumps(handler(body, about))

    def _token(self, body: Any) -> Json:
        try:
            validate("token", body)
        except BodyError as error:
            raise RefusedError(400, str(error)) from None
        if (body["client_id"], body["client_secret"]) != (self.client_id, self.client_secret):
            raise RefusedError(401, "Invalid client credentials")
        self.tokens.append(f"token-{_new()}")
        return {"access_token": self.tokens[-1], "token_type": "Bearer", "expires_in": 900}

    def _workspaces(self, _: Any, about: dict[str, str]) -> Json:
        return _page(self.workspaces, about)

    def _definitions(self, _: Any, about: dict[str, str]) -> Json:
        self._in_workspace(about["workspace"])
        return {"data": self.definitions}

    def _make_definition(self, body: Json, about: dict[str, str]) -> Json:
        self._in_workspace(about["workspace"])
        self._pull(body["dockerRepository"], body["dockerImageTag"])
        self.definitions.append({"id": _new(), **body})
        return self.definitions[-1]

    def _update_definition(self, body: Json, about: dict[str, str]) -> Json:
        definition = _by(self.definitions, "id", about["id"])
        self._pull(definition["dockerRepository"], body["dockerImageTag"])
        definition |= body
        return definition

    def _pull(self, repository: str, tag: str) -> None:
        image = f"{repository}:{tag}"
        if image not in self.images:
            text = f"Encountered an issue while validating input docker image ({image}): Get Spec job failed."
            raise RefusedError(422, text)

    def _sources(self, _: Any, about: dict[str, str]) -> Json:
        self._in_workspace(about["workspaceIds"])
        return _page([_shown(each) for each in self.sources], about)

    def _make_source(self, body: Json, _: dict[str, str]) -> Json:
        self._in_workspace(body["workspaceId"])
        definition = _by(self.definitions, "id", body["definitionId"])
        self._fits(body["configuration"])
        return _shown(self._add_source(body["name"], definition["id"], body["configuration"]))

    def _update_source(self, body: Json, about: dict[str, str]) -> Json:
        source = _by(self.sources, "sourceId", about["id"])
        self._fits(body["configuration"])
        # What is not in the body is not kept.
        source.pop("resourceAllocation", None)
        source |= copy.deepcopy(body)
        return _shown(source)

    def _fits(self, config: Json) -> None:
        wrong = [error.message for error in _spec().iter_errors(config)]
        if wrong:
            text = f"The provided configuration does not fulfill the specification. Errors: {'; '.join(wrong)}"
            raise RefusedError(422, text)

    def _add_source(self, name: str, definition_id: str, config: Json) -> Json:
        self.sources.append({
            "sourceId": _new(), "name": name, "sourceType": "custom", "definitionId": definition_id,
            "workspaceId": self.workspace, "configuration": copy.deepcopy(config), "createdAt": 1_790_000_000,
        })  # fmt: skip
        return self.sources[-1]

    def _check(self, body: Json, _: dict[str, str]) -> Json:
        source = _by(self.sources, "sourceId", body["sourceId"])
        refusal = self.refused_keys.get(source["configuration"]["client_secret"]) or _fault(source["configuration"])
        if refusal:
            return {"status": "failed", "message": refusal, "jobInfo": _job(succeeded=True)}
        return {"status": "succeeded", "jobInfo": _job(succeeded=True)}

    def _discover(self, body: Json, _: dict[str, str]) -> Json:
        source = _by(self.sources, "sourceId", body["sourceId"])
        streams = [{"stream": each, "config": {"selected": False}} for each in self._found(source).values()]
        return {"catalog": {"streams": streams}, "catalogId": _new(), "jobInfo": _job(succeeded=True)}

    def _found(self, source: Json) -> dict[str, Json]:
        return {name: each for name, each in discovered(source["configuration"]).items() if name not in self.left_out}

    def _connections(self, _: Any, about: dict[str, str]) -> Json:
        self._in_workspace(about["workspaceIds"])
        return _page(self.connections, about)

    def _connection(self, _: Any, about: dict[str, str]) -> Json:
        return _by(self.connections, "connectionId", about["id"])

    def _make_connection(self, body: Json, _: dict[str, str]) -> Json:
        source = _by(self.sources, "sourceId", body["sourceId"])
        if body["destinationId"] not in {each["destinationId"] for each in self.connections}:
            raise RefusedError(404, f"Could not find a resource for: {body['destinationId']}")
        streams = body.get("configurations", {}).get("streams", [])
        faults = [*stream_faults(streams, self._found(source)), *schedule_faults(body.get("schedule"))]
        if faults:
            raise RefusedError(400, f"The request could not be fulfilled: {faults[0]}")
        return self._add_connection(body)

    def _add_connection(self, about: Json) -> Json:
        made = {"connectionId": _new(), "workspaceId": self.workspace, "createdAt": 1_790_000_000, "tags": []}
        self.connections.append({"schedule": {"scheduleType": "manual"}, **made, **copy.deepcopy(about)})
        return self.connections[-1]

    def _jobs(self, _: Any, about: dict[str, str]) -> Json:
        connection_id, status = about["connectionId"], about.get("status")
        rows = [{"jobId": 1, "status": "succeeded"}] if connection_id in self.synced else []
        if status == "running" and connection_id in self.syncs:
            self.syncs[connection_id] -= 1
            if self.syncs[connection_id] <= 0:
                del self.syncs[connection_id]
        if connection_id in self.syncs:
            rows.append({"jobId": 2, "status": "running"})
        about_each = {"jobType": "sync", "startTime": "2026-11-01T00:00:00Z", "connectionId": connection_id}
        return {"data": [{**row, **about_each} for row in rows if status in (None, row["status"])]}

    def _state(self, body: Json, _: dict[str, str]) -> Json:
        connection = _by(self.connections, "connectionId", body["connectionId"])
        nothing = {"stateType": "not_set", "connectionId": connection["connectionId"]}
        return self.states.get(connection["connectionId"], nothing)

    def _set_state(self, body: Json, _: dict[str, str]) -> Json:
        connection = _by(self.connections, "connectionId", body["connectionId"])
        if connection["connectionId"] in self.syncs:
            raise RefusedError(423, "State cannot be updated while a sync is running for this connection.")
        if body["connectionState"]["connectionId"] != connection["connectionId"]:
            raise RefusedError(422, "The state is of another connection.")
        self.states[connection["connectionId"]] = copy.deepcopy(body["connectionState"])
        return self.states[connection["connectionId"]]

    def _in_workspace(self, workspace: str) -> None:
        if workspace not in {each["workspaceId"] for each in self.workspaces}:
            raise RefusedError(403, f"User does not have the required permissions to access workspace {workspace}.")


@cache
def _discovered(config: str) -> dict[str, Json]:
    catalog = SourceStripe().discover(getLogger("airbyte.stub"), json.loads(config))
    message = AirbyteMessageSerializer.dump(AirbyteMessage(Type.CATALOG, catalog=catalog))
    return {each["name"]: _camel(each) for each in message["catalog"]["streams"]}


def discovered(config: Json) -> dict[str, Json]:
    """The streams that the connector finds, in the platform's form."""
    return _discovered(json.dumps(config, sort_keys=True))


def _fault(config: Json) -> str:
    """What the connector's check says of a config that it can't use."""
    try:
        discovered(config)
    except AirbyteTracedException as error:
        return str(error.message)
    return ""


def _camel(stream: Json) -> Json:
    names = {name: re.sub(r"_(\w)", lambda found: found[1].upper(), name) for name in stream}
    return {names[name]: value for name, value in stream.items() if value is not None}


def stream_state(connection_id: str, states: Json) -> Json:
    """A connection's state, of the states of its streams."""
    rows = [{"streamDescriptor": {"name": name}, "streamState": state} for name, state in states.items()]
    return {"stateType": "stream", "connectionId": connection_id, "streamState": rows}


def _workspace(name: str) -> Json:
    return {"workspaceId": _new(), "name": name, "dataResidency": "auto", "notifications": {}}


def _job(*, succeeded: bool) -> Json:
    return {"id": _new(), "configType": "check_connection_source", "createdAt": 1, "endedAt": 2, "succeeded": succeeded}


def _shown(source: Json) -> Json:
    """A source as it is shown: without its key."""
    return {**source, "configuration": {**source["configuration"], "client_secret": _HIDDEN}}


def _by(rows: list[Json], name: str, value: str) -> Json:
    for row in rows:
        if row[name] == value:
            return row
    raise RefusedError(404, f"Could not find a resource for: {value}")


def _page(rows: list[Json], about: dict[str, str]) -> Json:
    start = int(about.get("offset", 0))
    return {"data": rows[start : start + int(about.get("limit", 20))]}
