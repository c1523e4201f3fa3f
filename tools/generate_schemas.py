"""Write schemas/<stream>.json for every stream of manifest.yaml; where a file is right already it is left alone.

With --check nothing is written: what differs is named, and the exit code is 1.
"""

import argparse
import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from source_stripe.catalog.manifest import Manifest, ManifestError
from source_stripe.catalog.schemas import Schema
from source_stripe.catalog.stream_rows import ParentRow, StreamRow
from tools.record_schema import Parent, Row, SchemaError, record_schema
from tools.stripe_types import Scalar
from tools.type_supplements import object_type

ROOT = Path(__file__).resolve().parent.parent


def main(arguments: list[str] | None = None) -> int:
    """Generate or check; the exit code."""
    parser = argparse.ArgumentParser(prog="generate_schemas", description="JSON schemas of the manifest's streams.")
    parser.add_argument("--check", action="store_true", help="change nothing, exit 1 if a schema is not up to date")
    parser.add_argument("--manifest", type=Path, default=ROOT / "manifest.yaml")
    parser.add_argument("--schemas", type=Path, default=ROOT / "schemas", help="folder of the schemas")
    options = parser.parse_args(arguments)
    try:
        wanted = schema_files(read_rows(options.manifest))
    except (ManifestError, SchemaError) as error:
        print(error, file=sys.stderr)
        return 1
    changes = differences(wanted, present(options.schemas))
    for name, change in changes.items():
        print(f"{options.schemas.name}/{name}: {change}")
    if options.check:
        return 1 if changes else 0
    write(options.schemas, {name: wanted.get(name) for name in changes})
    return 0


def read_rows(manifest: Path) -> list[Row]:
    """The manifest's stream rows. Raises ManifestError, and SchemaError."""
    streams = Manifest.load(manifest).rows
    return [row_of(stream, streams) for stream in streams.values()]


def row_of(stream: StreamRow, streams: Mapping[str, StreamRow]) -> Row:
    """What a stream's row says about its records; `streams` are all rows by name. Raises SchemaError."""
    return Row(
        name=stream.name,
        objects=stream.object,
        cursor=stream.cursor,
        expand=stream.expand,
        leaves_out=stream.leaves_out,
        adds=stream.adds,
        # A parent that isn't named leaves nothing on its children: they say themselves whose they are.
        parents=tuple(_parent(parent, streams[parent.stream]) for parent in stream.all_parents if parent.name),
        sync=stream.sync,
    )


def _parent(parent: ParentRow, stream: StreamRow) -> Parent:
    carries = {field: _kind(stream, field) for field in parent.carries}
    return Parent(str(parent.name), str(parent.id_field), carries)


def _kind(stream: StreamRow, field: str) -> str:
    """The JSON type of a field of a stream's records. Raises SchemaError."""
    if field == stream.cursor == "updated":
        return "integer"
    try:
        kind = object_type(stream.object[0]).field(field).type
    except KeyError as error:
        raise SchemaError(f"{stream.name}: {error.args[0]}") from None
    if not isinstance(kind, Scalar):
        raise SchemaError(f"{stream.name}: {field} is no scalar: children can't carry it")
    return kind.kind


def schema_files(rows: Iterable[Row]) -> dict[str, str]:
    """File name to text. Raises SchemaError."""
    return {f"{row.name}.json": render(record_schema(row)) for row in rows}


def render(schema: Schema) -> str:
    """The schema as JSON, a field a line: a hash begins on the line of its name, only its fields are indented."""
    return "{\n" + ",\n".join(f" {_entry(key, value, 1)}" for key, value in schema.items()) + "\n}\n"


def _entry(key: str, value: Any, indent: int) -> str:
    if key == "properties":
        inner = " " * (indent + 1)
        fields = [f"{inner}{json.dumps(name)}: {_node(field, indent + 1)}" for name, field in value.items()]
        return '"properties": {\n' + ",\n".join(fields) + "\n" + " " * indent + "}"
    text = _node(value, indent) if isinstance(value, dict) else json.dumps(value, ensure_ascii=False)
    return f"{json.dumps(key)}: {text}"


def _node(schema: Schema, indent: int) -> str:
    return "{" + ", ".join(_entry(key, value, indent) for key, value in schema.items()) + "}"


def present(folder: Path) -> dict[str, str]:
    """The schemas that are there: file name to text."""
    return {path.name: path.read_text("utf-8") for path in sorted(folder.glob("*.json"))}


def differences(wanted: Mapping[str, str], there: Mapping[str, str]) -> dict[str, str]:
    """File name to what is wrong with it: missing, superfluous (no such stream) or differs."""
    changes = {}
    for name in sorted({*wanted, *there}):
        if name not in there:
            changes[name] = "missing"
        elif name not in wanted:
            changes[name] = "superfluous"
        elif wanted[name] != there[name]:
            changes[name] = "differs"
    return changes


def write(folder: Path, files: Mapping[str, str | None]) -> None:
    """Write the texts; None removes the file."""
    folder.mkdir(exist_ok=True)
    for name, text in files.items():
        if text is None:
            (folder / name).unlink()
        else:
            (folder / name).write_text(text, "utf-8")


if __name__ == "__main__":
    sys.exit(main())
