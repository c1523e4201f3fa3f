"""Known accounts in two texts: they do as a dict would, and take few bytes."""

from __future__ import annotations

import gc
import tracemalloc

from hypothesis import given
from hypothesis import strategies as st

from source_stripe.accounts.known import LETTERS, WIDTH
from source_stripe.accounts.open_codes import WIDTH as CODE_WIDTH
from source_stripe.accounts.packed_codes import PackedCodes
from source_stripe.accounts.stream_sync import StreamSync
from unit_tests.test_stream_sync import CURSOR, NOW, STREAM, of, read

keys = st.text(LETTERS[:3] + LETTERS[-2:], min_size=WIDTH, max_size=WIDTH)
codes = st.text(LETTERS, min_size=CODE_WIDTH, max_size=CODE_WIDTH)


@given(st.dictionaries(keys, codes), st.lists(st.tuples(keys, codes | st.none())))
def test_they_do_as_a_dict_would(first: dict[str, str], steps: list[tuple[str, str | None]]) -> None:
    plain, packed = dict(first), PackedCodes(first.items())
    for key, code in steps:
        assert (key in packed, packed.get(key)) == (key in plain, plain.get(key))
        if code is None:
            assert packed.pop(key) == plain.pop(key, None)
        else:
            packed[key] = plain[key] = code

    assert len(packed) == len(plain)
    assert list(packed) == sorted(plain)
    assert list(packed.pairs()) == sorted(plain.items())
    assert (packed.keys, packed.codes) == ("".join(sorted(plain)), "".join(map(plain.__getitem__, sorted(plain))))


def test_a_stream_keeps_twenty_bytes_of_a_known_account_at_most() -> None:
    accounts = 5_000
    sync_of = of([f"acct_{number:016}" for number in range(accounts)], NOW)
    saved = read({}, sync_of)
    tracemalloc.start()
    try:
        sync = StreamSync(STREAM, CURSOR, saved, sync_of, "account", refresh=False)
        assert len(sync.dump()["accounts"]) == WIDTH * accounts
        gc.collect()
        with_it = tracemalloc.get_traced_memory()[0]
        del sync
        gc.collect()
        without_it = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()

    assert WIDTH * accounts < with_it - without_it < 20 * accounts
