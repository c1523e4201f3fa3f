"""`tools.register`: an image in an Airbyte instance, by one command that can be run again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from integration_tests.airbyte_stub import Fault
from integration_tests.registering import IMAGE, KEY, REPOSITORY, Registering, registering
from tools.register import main

STREAMS: list[dict[str, Any]] = [
    {
        "name": "charges",
        "syncMode": "incremental_deduped_history",
        "cursorField": ["updated"],
        "primaryKey": [["id"]],
        "selectedFields": [{"fieldPath": [name]} for name in ("id", "updated", "amount", "no_more")],
        "mappers": [
            {
                "type": "hashing",
                "mapperConfiguration": {
                    "method": "SHA-256",
                    "targetField": "description",
                    "fieldNameSuffix": "_hashed",
                },
            }
        ],
    },
    {"name": "customers", "syncMode": "incremental_append"},
    {"name": "tax_codes", "syncMode": "full_refresh_overwrite"},
    {"name": "of_long_ago", "syncMode": "full_refresh_append"},
]
STATES = {
    "charges": {"updated": 1_790_000_000, "created": "1790000000", "nested": {"ü": [1, None, True, 2**70, 0.1]}},
    "customers": {"updated": 1_780_000_000},
    "of_long_ago": {"created": 1},
}


@pytest.fixture
def stand(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Registering]:
    with registering(tmp_path, capsys, monkeypatch) as made:
        yield made


def new_connection(stand: Registering) -> dict[str, Any]:
    return stand.instance.connections[-1]


# What it does.


def test_a_first_run_makes_the_definition_and_the_source_and_checks_it(stand: Registering) -> None:
    run = stand.run()

    assert (run.code, run.err) == (0, "")
    assert stand.instance.written == ["make definition", "make source"]
    assert stand.instance.called("make definition") == [
        {"name": "Stripe (source-stripe)", "dockerRepository": REPOSITORY, "dockerImageTag": "0.1.0"}
    ]
    (made,) = stand.instance.called("make source")
    assert made["configuration"] == stand.config
    assert made["definitionId"] == stand.instance.definitions[-1]["id"]
    assert [each.operation for each in stand.instance.calls][-2:] == ["check", "discover"]
    assert "Check: succeeded." in run.lines
    assert "Discover: 154 streams." in run.lines


def test_a_second_run_changes_nothing_and_says_so(stand: Registering) -> None:
    old = stand.instance.old_connection(STREAMS, STATES)
    stand.run("--like", old)
    before = stand.held()

    run = stand.run("--like", old)

    assert (run.code, run.err) == (0, "")
    assert stand.instance.written == []
    assert stand.held() == before
    assert "Nothing was changed." in run.lines
    assert sum("unchanged" in line for line in run.lines) == 4


def test_a_new_tag_updates_the_definition_and_nothing_else(stand: Registering) -> None:
    old = stand.instance.old_connection(STREAMS, STATES)
    stand.run("--like", old)
    *_, states = stand.held()

    run = stand.run("--like", old, image=f"{REPOSITORY}:0.2.0")

    assert run.code == 0
    assert stand.instance.written == ["update definition"]
    assert stand.instance.called("update definition") == [{"name": "Stripe (source-stripe)", "dockerImageTag": "0.2.0"}]
    assert stand.instance.states == states
    assert "from the image's tag 0.1.0 to 0.2.0" in run.out
    assert "Nothing was changed." not in run.lines


def test_a_changed_config_is_written_whole_and_the_resources_stay(stand: Registering) -> None:
    stand.run()
    resources = {"default": {"memory_limit": "512Mi"}}
    stand.instance.sources[-1]["resourceAllocation"] = resources
    del stand.config["start_date"]
    stand.config["expand"] = ["charges.customer"]

    run = stand.run()

    assert run.code == 0
    assert stand.instance.written == ["update source"]
    assert stand.instance.sources[-1]["configuration"] == stand.config
    assert stand.instance.sources[-1]["resourceAllocation"] == resources


def test_a_changed_key_is_not_seen_and_written_when_it_is_asked_for(stand: Registering) -> None:
    stand.run()
    stand.config["client_secret"] = "rk_test_emulator_another"

    unseen = stand.run()
    assert "it hides the key" in unseen.out
    assert stand.instance.sources[-1]["configuration"]["client_secret"] == KEY
    stand.run("--new-key")

    assert stand.instance.written == ["update source"]
    assert stand.instance.sources[-1]["configuration"] == stand.config


def test_a_corrected_key_is_written_by_itself_if_the_check_fails_with_the_old_one(stand: Registering) -> None:
    stand.instance.refused_keys[KEY] = f"Stripe refused the key {KEY}: it has expired."
    refused = stand.run()
    assert refused.code == 1
    assert "Airbyte says: Stripe refused the key" in refused.err
    assert "run this again" in refused.err
    stand.config["client_secret"] = "rk_test_emulator_another"

    run = stand.run()

    assert (run.code, run.err) == (0, "")
    assert stand.instance.written == ["update source"]
    assert "as the check failed" in run.out


def test_another_name_is_another_source_of_the_same_definition(stand: Registering) -> None:
    stand.run()
    stand.run("--name", "Stripe of another account")

    assert stand.instance.written == ["make source"]
    assert len({each["definitionId"] for each in stand.instance.sources}) == 1


def test_lists_are_read_to_their_end(stand: Registering) -> None:
    stand.run()
    (ours,) = stand.instance.sources
    stand.instance.sources[:0] = [{**ours, "name": f"Other {number}"} for number in range(250)]

    assert "Nothing was changed." in stand.run().lines


def test_the_only_workspace_is_found_and_of_several_one_has_to_be_named(stand: Registering) -> None:
    assert stand.instance.workspace in stand.run().lines[0]
    stand.instance.workspaces.append({**stand.instance.workspaces[0], "workspaceId": "another", "name": "Other"})

    several = stand.run()
    assert several.code == 2
    assert f"{stand.instance.workspace} (Default Workspace), another (Other)" in several.err
    assert stand.run("--workspace", stand.instance.workspace).code == 0


# A connection like another.


def test_the_connection_is_like_the_old_one_and_inactive(stand: Registering) -> None:
    old = stand.instance.old_connection(STREAMS, STATES)

    run = stand.run("--like", old)

    old_one, new = stand.instance.connections
    same = ("destinationId", "prefix", "namespaceDefinition", "namespaceFormat", "nonBreakingSchemaUpdatesBehavior")
    assert {name: new[name] for name in same} == {name: old_one[name] for name in same}
    assert new["status"] == "inactive"
    assert new["schedule"] == {"scheduleType": "cron", "cronExpression": "0 0 0/6 * * ?"}
    modes = {each["name"]: each["syncMode"] for each in new["configurations"]["streams"]}
    assert modes == {each["name"]: each["syncMode"] for each in STREAMS[:3]}
    assert "  The new source has no stream of_long_ago: left out." in run.lines
    assert old_one["status"] == "active"
    assert run.lines[-1].startswith('Next: disable "Stripe to Warehouse"')


def test_selected_columns_and_mappers_are_kept(stand: Registering) -> None:
    run = stand.run("--like", stand.instance.old_connection(STREAMS, STATES))

    charges = new_connection(stand)["configurations"]["streams"][0]
    assert [each["fieldPath"] for each in charges["selectedFields"]] == [["amount"], ["id"], ["updated"]]
    assert charges["mappers"] == STREAMS[0]["mappers"]
    assert "  charges: columns that are not there any more are left out: no_more." in run.lines


def test_the_state_is_taken_over_byte_for_byte(stand: Registering) -> None:
    stand.run("--like", stand.instance.old_connection(STREAMS, STATES))

    taken = stand.instance.states[new_connection(stand)["connectionId"]]["streamState"]
    assert {each["streamDescriptor"]["name"]: json.dumps(each["streamState"]) for each in taken} == {
        name: json.dumps(STATES[name]) for name in ("charges", "customers")
    }


def test_a_state_in_one_piece_for_all_streams_is_not_taken_over(stand: Registering) -> None:
    old = stand.instance.old_connection(STREAMS)
    stand.instance.states[old] = {"stateType": "legacy", "connectionId": old, "state": {"charges": {}}}

    run = stand.run("--like", old)

    assert run.code == 1
    assert "in one piece for all streams" in run.err
    assert "set state" not in stand.instance.written


def test_a_connection_that_never_synced_has_no_state_to_take(stand: Registering) -> None:
    run = stand.run("--like", stand.instance.old_connection(STREAMS))

    assert run.code == 0
    assert "set state" not in stand.instance.written
    assert "The first sync reads everything." in run.out


def test_a_later_state_is_taken_until_the_new_connection_has_synced(stand: Registering) -> None:
    old = stand.instance.old_connection(STREAMS, STATES)
    stand.run("--like", old)
    state = stand.instance.states[old]["streamState"][0]["streamState"]
    state["updated"] += 60

    stand.run("--like", old)
    new = new_connection(stand)["connectionId"]
    assert stand.instance.written == ["set state"]
    assert stand.instance.states[new]["streamState"][0]["streamState"] == state
    state["updated"] += 60
    stand.instance.synced.add(new)
    left = stand.run("--like", old)

    assert stand.instance.written == []
    assert "State: left as it is, as the new connection has synced." in left.lines


def test_a_sync_of_the_old_connection_is_not_read_from(stand: Registering) -> None:
    old = stand.instance.old_connection(STREAMS, STATES)
    stand.instance.syncs[old] = 3

    busy = stand.run("--like", old)
    assert busy.code == 3
    assert 'A sync of "Stripe to Warehouse" runs' in busy.err
    assert "--wait" in busy.err
    assert "set state" not in stand.instance.written
    waited = stand.run("--like", old, "--wait", "10")

    assert waited.code == 0
    assert stand.instance.written == ["set state"]
    assert waited.lines.count('Waiting for the sync of "Stripe to Warehouse" to end.') == 1


def test_a_sync_of_the_new_connection_is_left_alone(stand: Registering) -> None:
    told = '{"message": "State cannot be updated while a sync is running for this connection."}'
    stand.instance.faults.append(Fault("set state", 423, told, times=1))
    old = stand.instance.old_connection(STREAMS, STATES)

    busy = stand.run("--like", old)

    assert busy.code == 3
    assert "State cannot be updated while a sync is running" in busy.err
    assert stand.run("--like", old).code == 0


# A dry run.


@pytest.mark.parametrize("times", [0, 1])
def test_a_dry_run_reads_and_says_what_would_be_done(stand: Registering, times: int) -> None:
    old = stand.instance.old_connection(STREAMS, STATES)
    for _ in range(times):
        stand.run("--like", old)
    before = stand.held()

    run = stand.run("--like", old, "--dry-run", image=f"{REPOSITORY}:0.2.0")

    assert (run.code, run.err) == (0, "")
    assert {each.operation for each in stand.instance.calls} <= {
        "token", "workspaces", "definitions", "sources", "connection", "connections", "jobs", "state",
    }  # fmt: skip
    assert stand.held() == before
    assert "This was a dry run: nothing was changed." in run.lines
    done = {0: "would be made, with the image", 1: "would be updated, from the image's tag 0.1.0 to 0.2.0"}
    assert done[times] in run.out


def test_a_dry_run_says_that_a_sync_runs(stand: Registering) -> None:
    old = stand.instance.old_connection(STREAMS, STATES)
    stand.instance.syncs[old] = 3

    run = stand.run("--like", old, "--dry-run")

    assert run.code == 0
    assert "would be waited for" in run.out


def test_an_address_stands_for_the_id_in_it(stand: Registering) -> None:
    old = stand.instance.old_connection(STREAMS, STATES)
    page = f"https://airbyte.example.com/workspaces/{stand.instance.workspace}/connections/{old}/status"

    assert stand.run("--workspace", page, "--like", page).code == 0
    assert stand.instance.written[-1] == "set state"


# What the command line, the config and the environment lack.


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--image", "registry.example.com:5000/source-stripe"], "has no tag"),
        (["--image", "airbyte/source-stripe:1"], "is Airbyte's own connector"),
        (["--airbyte-url", "localhost:8000"], "begins with http"),
        (["--airbyte-url", "https://api.airbyte.com/v1"], "Airbyte Cloud takes no images"),
        (["--config", "nowhere.json"], "nowhere.json can't be read"),
    ],
)
def test_what_can_not_be_used_is_refused_before_any_call(stand: Registering, words: list[str], told: str) -> None:
    run = stand.run(*words)

    assert (run.code, run.out) == (2, "")
    assert told in run.err
    assert stand.instance.calls == []


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ('{"client_secret": "rk_test_emulator_registration",\n}', "is no JSON (line 2)"),
        ('["rk_test_emulator_registration"]', 'it has no "client_secret"'),
        ("{}", 'it has no "client_secret"'),
    ],
)
def test_a_config_that_is_none_is_refused_without_its_content(
    stand: Registering, tmp_path: Path, content: str, told: str
) -> None:
    (tmp_path / "bad.json").write_text(content)

    run = stand.run("--config", str(tmp_path / "bad.json"))

    assert (run.code, run.out) == (2, "")
    assert told in run.err


def test_credentials_come_from_the_environment_only(stand: Registering, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AIRBYTE_CLIENT_SECRET")

    run = stand.run()

    assert run.code == 2
    assert run.err.startswith("AIRBYTE_CLIENT_SECRET must be set")
    with pytest.raises(SystemExit):
        main(["--help"])
    options = stand.capsys.readouterr().out.split("\n\n")[2]
    assert "secret" not in options.lower()
    assert IMAGE not in options
