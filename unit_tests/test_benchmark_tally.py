"""What the benchmark counts in a program's output."""

from __future__ import annotations

import json

import pytest

from benchmarks.tally import Seen, Tally
from stripe_emulator.bulk import token


def record(stream: str, prefix: str, number: int, **fields: object) -> bytes:
    """A record's line, as the connector writes it, with its id behind what is expanded in it."""
    data = {**fields, "id": f"{prefix}_{token(number).decode()}"}
    line = {"type": "RECORD", "record": {"stream": stream, "data": data, "emitted_at": 1}}
    return json.dumps(line, separators=(",", ":")).encode() + b"\n"


STATE = b'{"type":"STATE","state":{"type":"STREAM","stream":{"stream_state":{"updated":"RECORD"}}}}\n'
CHARGES = [record("charges", "ch", number) for number in range(20)]


@pytest.mark.parametrize("size", [1, 10, 64, 10_000])
def test_records_are_counted_wherever_the_output_is_cut(size: int) -> None:
    output = STATE + b"".join(CHARGES) + STATE
    tally = Tally([charges := Seen("charges", "ch", 20)])
    for start in range(0, len(output), size):
        tally.read(output[start : start + size])
    assert (tally.records, charges.distinct, charges.again) == (20, 20, 0)
    assert list(tally.last_words) == [STATE.strip()] * 2


def test_rows_that_come_again_or_never_were_are_told() -> None:
    tally = Tally([charges := Seen("charges", "ch", 20)])
    tally.read(b"".join([*CHARGES, CHARGES[7], record("charges", "ch", 20)]))
    assert (charges.distinct, charges.again) == (20, 2)


def test_what_is_expanded_in_other_streams_rows_is_none_of_a_streams_own() -> None:
    charge = json.loads(CHARGES[3])["record"]["data"]
    tally = Tally([charges := Seen("charges", "ch", 20), intents := Seen("payment_intents", "pi", 20)])
    tally.read(CHARGES[3] + record("payment_intents", "pi", 3, latest_charge=charge) + CHARGES[4])
    assert (tally.records, charges.distinct, charges.again, intents.distinct) == (3, 2, 0, 1)


def test_singer_records_count_too() -> None:
    tally = Tally()
    tally.read(b'{"type": "SCHEMA"}\n{"type": "RECORD", "stream": "charges", "record": {}}\n{"type": "STATE"}\n')
    assert tally.records == 1
