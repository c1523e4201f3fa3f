"""Resuming: what a saved state means for a sync whose account, config or clock may have changed since."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from airbyte_cdk.models import FailureType
from airbyte_cdk.utils.traced_exception import AirbyteTracedException

from source_stripe.api.account import Account, utc
from source_stripe.api.errors import StreamFailure
from source_stripe.reading.state import ReadWith, StreamState, UnknownStateError

logger = logging.getLogger("airbyte.stripe")

MOVED = (
    "The stream %s was read with the start_date %s so far, and is read with %s now: what was created between is read "
    "too. What was deleted of it more than 30 days ago can't be seen."
)
"""Logged where the start date is earlier than at the last sync."""
AHEAD = (
    "The saved state of the stream %s is ahead of Stripe's clock: a clock was wrong when it was written. What changed "
    "since %s is read again."
)
"""Logged where the watermark lies ahead of Stripe's time."""


FILTERED = (
    "The stream %s is read again from its start, as its filters are others than at the last sync. Rows that those "
    "brought and these leave out stay where nothing tells that they are unwanted: clear the stream to be rid of them."
)
"""Logged where the config has other filters."""


class StateError(AirbyteTracedException):
    """The failure of a stream whose saved state this connector can't go on from."""

    def __init__(self, stream: str, unknown: UnknownStateError) -> None:
        super().__init__(
            message=str(unknown),
            internal_message=f"unknown state of {stream}",
            failure_type=FailureType.config_error,
        )


class OtherData(StreamFailure):
    """The failure of a stream whose state is of another account, or of live data where the key reads test data."""

    def __init__(self, was: str, reads: str) -> None:
        super().__init__(
            message=f"Its saved state is that of {was}, but the key reads {reads}: the rows of both would be mixed, "
            f"and changes skipped. Put a key for {was} back into the config, or reset the stream to read {reads} from "
            "the start.",
            internal_message="the state is of other data",
            failure_type=FailureType.config_error,
        )


def resume(
    saved: Mapping[str, Any], stream: str, cursor: str, account: Account, setting: ReadWith, *, quiet: bool = False
) -> StreamState:
    """The state that a stream goes on from, with what it is read with from now on: `setting` is what the config says.

    `quiet` leaves the warnings to another reading of the same state. Raises StateError where the state can't be gone on
    from, OtherData where it is of another account or mode.
    """
    try:
        state = StreamState.parse(saved, stream=stream, cursor=cursor, now=account.now)
    except UnknownStateError as unknown:
        raise StateError(stream, unknown) from None
    was, reads = state.read_with or ReadWith(), setting.of(account.id)
    if state.watermark is None:
        return state.of(reads)
    if was.account and reads.account and was.account != reads.account:
        raise OtherData(f"the account {was.account}", f"the account {reads.account}")
    if was.live is not None and reads.live is not None and was.live != reads.live:
        raise OtherData(_mode(was.live), _mode(reads.live))
    if state.doubt and not quiet:
        logger.warning(AHEAD, stream, utc(state.watermark - state.doubt))
    if not quiet and state.read_with is not None and (reads.start_date or 0) < (was.start_date or 0):
        logger.warning(MOVED, stream, utc(was.start_date or 0), _start(reads))
    if not quiet and reads.filters != was.filters:
        logger.warning(FILTERED, stream)
    # A key that may not read its account does not contradict the account of the state.
    return state.of(replace(reads, account=reads.account or was.account))


def _mode(live: bool) -> str:
    return "live data" if live else "test data"


def _start(reads: ReadWith) -> str:
    return "none" if reads.start_date is None else utc(reads.start_date)
