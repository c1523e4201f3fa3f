"""What a connection is made of that is like another; and Airbyte's words in its refusals."""

from __future__ import annotations

from typing import Any

import pytest

from tools.registration.calls import instance
from tools.registration.failures import RegistrationError, words
from tools.registration.likeness import (
    FoundStream,
    same_config,
    same_states,
    schedule_like,
    stream_states,
    streams_like,
)

CHARGES = FoundStream("charges", ("updated",), (("id",),), frozenset({"id", "updated", "amount"}))
PLAIN = FoundStream("plain", (), (), frozenset({"id", "amount"}))


@pytest.mark.parametrize(
    ("old", "expression", "note"),
    [
        ({"scheduleType": "manual"}, None, ""),
        ({"scheduleType": "basic", "basicTiming": "Every 1 HOURS"}, "0 0 0/1 * * ?", ""),
        ({"scheduleType": "basic", "basicTiming": "Every 12 HOURS"}, "0 0 0/12 * * ?", ""),
        ({"scheduleType": "basic", "basicTiming": "Every 24 HOURS"}, "0 0 0 * * ?", ""),
        ({"scheduleType": "basic", "basicTiming": "Every 5 HOURS"}, None, "Every 5 HOURS"),
        ({"scheduleType": "basic", "basicTiming": "Every 30 MINUTES"}, None, "Every 30 MINUTES"),
        ({"scheduleType": "basic"}, None, "unknown"),
        ({"scheduleType": "cron", "cronExpression": "0 15 6 * * ?"}, "0 15 6 * * ?", ""),
        ({"scheduleType": "cron", "cronExpression": "0 15 6 * * ? UTC"}, "0 15 6 * * ?", ""),
        ({"scheduleType": "cron", "cronExpression": "0 15 6 ? * MON-FRI"}, "0 15 6 ? * MON-FRI", ""),
        ({"scheduleType": "cron", "cronExpression": "0 15 6 ? * MON"}, "0 15 6 ? * MON", ""),
        ({"scheduleType": "cron", "cronExpression": "0 15 6 * * ? 2027"}, "0 15 6 * * ? 2027", ""),
        ({"scheduleType": "cron", "cronExpression": "0 15 6 * * ? Europe/Berlin"}, "0 15 6 * * ?", "Europe/Berlin"),
        ({"scheduleType": "cron", "cronExpression": "0 15 6 * * ? Etc/GMT+5"}, "0 15 6 * * ?", "Etc/GMT+5"),
        (
            {"scheduleType": "cron", "cronExpression": "0 15 6 * * ? 2027 America/Argentina/Salta"},
            "0 15 6 * * ? 2027",
            "America/Argentina/Salta",
        ),
    ],
)
def test_a_schedule_is_kept_or_what_differs_is_told(old: dict[str, str], expression: str | None, note: str) -> None:
    schedule, told = schedule_like(old)

    wanted = {"scheduleType": "cron", "cronExpression": expression} if expression else {"scheduleType": "manual"}
    assert schedule == wanted
    assert note in told
    assert bool(note) == bool(told)


def test_a_cursor_and_a_key_are_left_to_the_source_where_it_defines_them() -> None:
    old = {"syncMode": "incremental_deduped_history", "cursorField": ["amount"], "primaryKey": [["amount"]]}
    found = {each.name: each for each in (CHARGES, PLAIN)}

    like = streams_like([{"name": "charges", **old}, {"name": "plain", **old}], found)

    assert like.streams == [{"name": "charges", "syncMode": old["syncMode"]}, {"name": "plain", **old}]
    assert like.notes == []


@pytest.mark.parametrize(
    ("selected", "kept"),
    [
        (None, None),
        ([], None),
        (["id", "updated", "amount"], ["amount", "id", "updated"]),
        (["amount"], ["amount", "id", "updated"]),
        (["amount", "gone"], ["amount", "id", "updated"]),
    ],
)
def test_selected_columns_stay_selected_and_no_others(selected: list[str] | None, kept: list[str] | None) -> None:
    fields = None if selected is None else [{"fieldPath": [name]} for name in selected]

    (stream,) = streams_like([{"name": "charges", "selectedFields": fields}], {"charges": CHARGES}).streams

    shown = stream.get("selectedFields")
    assert (shown and [each["fieldPath"][0] for each in shown]) == kept


def test_a_stream_whose_columns_are_all_gone_is_not_sent_whole() -> None:
    old = {"name": "charges", "selectedFields": [{"fieldPath": ["gone"]}]}

    (stream,) = streams_like([old], {"charges": CHARGES}).streams

    assert stream["selectedFields"] == [{"fieldPath": ["id"]}, {"fieldPath": ["updated"]}]


STATES = [{"streamDescriptor": {"name": "charges", "namespace": None}, "streamState": {"updated": 7}}]


@pytest.mark.parametrize(
    ("state", "states"),
    [
        ({"stateType": "not_set"}, []),
        ({"stateType": "stream", "streamState": STATES}, STATES),
        ({"stateType": "global", "globalState": {"streamStates": STATES}}, STATES),
        ({"stateType": "global", "globalState": {"sharedState": {"a": 1}, "streamStates": STATES}}, None),
        ({"stateType": "global", "globalState": {"shared_state": {"a": 1}, "streamStates": STATES}}, None),
        ({"stateType": "legacy", "state": {}}, None),
        ({}, None),
    ],
)
def test_a_state_has_those_of_its_streams_or_is_in_one_piece(state: dict[str, Any], states: list[Any] | None) -> None:
    assert stream_states(state) == states


def test_states_are_the_same_whatever_their_order_and_forms() -> None:
    plain = [{"streamDescriptor": {"name": "charges"}, "streamState": {"updated": 7}}]
    more = [{"streamDescriptor": {"name": "payouts"}, "streamState": {}}]
    assert same_states(STATES, plain)
    assert same_states([*plain, *more], [*more, *STATES])
    assert not same_states(plain, [*plain, *more])
    assert not same_states(plain, [{"streamDescriptor": {"name": "charges"}, "streamState": {"updated": 8}}])


@pytest.mark.parametrize(
    ("shown", "same"),
    [
        ({"client_secret": "**********", "num_workers": 5}, True),
        ({"client_secret": "rk_test_emulator_x", "num_workers": 5}, True),
        ({"client_secret": "rk_test_emulator_y", "num_workers": 5}, False),
        ({"client_secret": "**********", "num_workers": 6}, False),
        ({"client_secret": "**********"}, False),
        ({"client_secret": "**********", "num_workers": 5, "more": 1}, False),
        ({"client_secret": "**********", "num_workers": "*"}, False),
    ],
)
def test_a_config_is_compared_as_far_as_it_is_shown(shown: dict[str, Any], same: bool) -> None:
    assert same_config({"client_secret": "rk_test_emulator_x", "num_workers": 5}, shown) is same


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ('{"title": "a", "detail": "b", "data": {"message": "c"}}', "c"),
        ('{"title": "a", "detail": "b", "data": {}}', "b"),
        ('{"message": "a", "exceptionStack": []}', "a"),
        ('{"title": "a"}', "a"),
        ('{"other": "a"}', '{"other": "a"}'),
        ("<html>\n  Bad gateway</html>", "<html> Bad gateway</html>"),
        ("", ""),
        ("x" * 501, "x" * 500 + "..."),
    ],
)
def test_airbytes_words_are_found_in_its_answers(body: str, told: str) -> None:
    assert words(body) == told


@pytest.mark.parametrize("path", ["", "/", "/api", "/api/v1", "/api/public/v1", "/api/public/v1/"])
def test_an_instance_is_named_by_any_of_its_addresses(path: str) -> None:
    assert instance(f"https://airbyte.example.com{path}") == "https://airbyte.example.com"
    assert instance(f"http://localhost:8000/airbyte{path}") == "http://localhost:8000/airbyte"


@pytest.mark.parametrize("url", ["https://api.airbyte.com/v1", "https://cloud.airbyte.com", "airbyte.example.com"])
def test_what_is_no_instance_of_ones_own_is_refused(url: str) -> None:
    with pytest.raises(RegistrationError):
        instance(url)
