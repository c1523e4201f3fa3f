"""What the lists can be asked for: the file against the lists of the `stripe` package and the schemas."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import orjson
import pytest

from source_stripe.catalog.list_parameters import ListParameter, all_parameters, parameters_of
from source_stripe.catalog.manifest import Manifest
from source_stripe.catalog.package_files import resource
from source_stripe.catalog.stream_rows import StreamRow
from stripe_emulator import facts

ROWS = Manifest.load().rows
EACH = [(stream, name, one) for stream, parameters in all_parameters().items() for name, one in parameters.items()]
ALL = [pytest.param(stream, one, id=f"{stream}-{name}") for stream, name, one in EACH]
AS_STRIPE_SAYS = {"bool": "boolean", "timestamp": "range", "integer": "integer"}


def asked(row: StreamRow) -> str:
    """The path of a stream's list, as the emulator calls it."""
    path = str(row.path).split("?")[0]
    return "/".join("{}" if part.startswith("{") else part for part in path.split("/"))


LISTS = {
    "/".join("{}" if part.startswith("{") else part for part in endpoint.path.split("/")): endpoint.params
    for endpoint in facts.endpoints()
    if endpoint.pages is not None
}


def inside(params: Mapping[str, Any], name: str) -> Any:
    """The type of a parameter, as the `stripe` package has it."""
    first, _, rest = name.partition(".")
    if isinstance(params[first], dict) and "hash" in params[first] and rest:
        return inside(params[first]["hash"], rest)
    return params[name]


def names(params: Mapping[str, Any]) -> Iterator[str]:
    for name, kind in params.items():
        if isinstance(kind, dict) and "hash" in kind:
            yield from (f"{name}.{below}" for below in names(kind["hash"]))
        else:
            yield name


@pytest.mark.parametrize("stream", all_parameters())
def test_they_are_those_of_the_list(stream: str) -> None:
    assert set(parameters_of(stream)) == set(names(LISTS[asked(ROWS[stream])]))


@pytest.mark.parametrize(("stream", "name", "parameter"), EACH)
def test_a_type_is_that_of_the_list(stream: str, name: str, parameter: ListParameter) -> None:
    said = inside(LISTS[asked(ROWS[stream])], name)
    assert parameter.list == (isinstance(said, dict) and "list" in said)
    said = said["list"] if parameter.list else said
    if parameter.values and isinstance(said, dict):
        assert set(parameter.values) == set(said["enum"])
    if parameter.is_filter and not parameter.list and said != "string" and not isinstance(said, dict):
        assert said == ("range" if parameter.range else AS_STRIPE_SAYS[parameter.type])


@pytest.mark.parametrize(("stream", "parameter"), ALL)
def test_a_field_stands_in_the_schema(stream: str, parameter: ListParameter) -> None:
    place: Any = orjson.loads(resource(f"schemas/{stream}.json").read_bytes())
    for part in parameter.field.split(".") if parameter.field else ():
        while "array" in place.get("type", ()):
            place = place["items"]
        place = place["properties"][part]


@pytest.mark.parametrize("parameter", [each for _, _, each in EACH])
def test_a_filter_can_be_tested_on_a_row_and_all_else_says_why_not(parameter: ListParameter) -> None:
    assert parameter.field if parameter.is_filter else parameter.note
    assert parameter.mutable or not parameter.enters
    assert not (parameter.mutable and parameter.in_events)


def test_there_are_as_many_as_the_study_found() -> None:
    found = Counter((one.use, one.mutable) for _, _, one in EACH if one.use == "ok")
    assert found == {("ok", False): 113, ("ok", True): 97}
