"""What a catalog selects that can't be read: such a stream fails, with a sentence, and the others are read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from airbyte_cdk.models import (
    AirbyteMessage,
    AirbyteStreamStatus,
    ConfiguredAirbyteCatalog,
    ConfiguredAirbyteStream,
    FailureType,
    StreamDescriptor,
    SyncMode,
)
from airbyte_cdk.utils.stream_status_utils import as_airbyte_message
from airbyte_cdk.utils.traced_exception import AirbyteTracedException

from source_stripe.catalog.schemas import StreamSchema
from source_stripe.catalog.stream_rows import StreamRow

_REFRESH = "Refresh the connection's source schema, then select it again."


def refused(catalog: ConfiguredAirbyteCatalog, rows: Mapping[str, StreamRow]) -> Mapping[str, str]:
    """The streams of the catalog that can't be read as it wants, and why."""
    problems = ((configured.stream.name, _problem(configured, rows)) for configured in catalog.streams)
    return {name: problem for name, problem in problems if problem is not None}


def without(catalog: ConfiguredAirbyteCatalog, names: Mapping[str, str]) -> ConfiguredAirbyteCatalog:
    """The catalog without some of its streams."""
    return ConfiguredAirbyteCatalog(streams=[each for each in catalog.streams if each.stream.name not in names])


def failures_of(problems: Mapping[str, str]) -> Iterator[AirbyteMessage]:
    """What is said of each refused stream."""
    for name, problem in problems.items():
        stream = StreamDescriptor(name=name)
        error = AirbyteTracedException(
            message=problem, internal_message="not in the source", failure_type=FailureType.config_error
        )
        yield error.as_airbyte_message(stream)
        yield as_airbyte_message(stream, AirbyteStreamStatus.INCOMPLETE)


def _problem(configured: ConfiguredAirbyteStream, rows: Mapping[str, StreamRow]) -> str | None:
    name, wanted = configured.stream.name, configured.cursor_field
    row = rows.get(name)
    if row is None:
        return f"The catalog selects the stream {name!r}, which source-stripe does not have. {_REFRESH}"
    if configured.sync_mode is not SyncMode.incremental or not wanted or wanted == [row.cursor]:
        return None
    # A destination may compare rows by any field that they have, as it did when the catalog was another connector's.
    if len(wanted) == 1 and wanted[0] in StreamSchema(row, rows).get_json_schema()["properties"]:
        return None
    cursor = f"its cursor is {row.cursor}" if row.cursor else "it has no cursor"
    return f"The catalog wants the stream {name} by the cursor {'.'.join(wanted)!r}: {cursor}. {_REFRESH}"
