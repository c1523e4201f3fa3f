"""What the CDK logs, in as few lines as are of use.

Of each stream it says when it starts, runs, stops and finishes, and how many messages it saw: more than six hundred
lines for all streams. Status messages and the report at the end tell the same. Of a failure it logs the traceback, for
each part of a stream, and at the end all of them again in a row.
"""

from __future__ import annotations

import logging
import re

from airbyte_cdk.utils.traced_exception import AirbyteTracedException

from source_stripe.process.failures import Failures

_OF_ONE_STREAM = re.compile(
    r"Marking stream \S+ as |Syncing stream: |Finished syncing|Read \d+ records from |"
    r"During the sync, the following streams did not sync "
)
"""How its lines begin that are told elsewhere."""
_FAILED = "Exception while syncing stream "
"""How it begins what it logs of a failure."""


class CdkLog(logging.Filter):
    """Lets a failure's sentence pass, once for each reason, and nothing else about single streams.

    With --debug all lines pass, and failures once for each stream, with their tracebacks.
    """

    def __init__(self) -> None:
        super().__init__()
        self._failures = Failures(0)

    def filter(self, record: logging.LogRecord) -> bool:
        debug = logging.getLogger(record.name).isEnabledFor(logging.DEBUG)
        told = record.getMessage()
        if told.startswith(_FAILED) and record.exc_info:
            error = record.exc_info[1]
            if not debug and isinstance(error, AirbyteTracedException):
                # A failure that we have words for. The traceback of any other is what a report of it needs.
                record.msg, record.args, record.exc_info = str(error.message or error), (), None
            return self._failures.is_new(told.removeprefix(_FAILED) if debug else "", str(error))
        return debug or _OF_ONE_STREAM.match(told) is None
