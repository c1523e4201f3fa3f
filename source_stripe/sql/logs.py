"""Logs: what is said while a question is answered, as plain lines on stderr. The answer has stdout for itself."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from source_stripe.process.masking import masked


class _Plain(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return masked(record.getMessage())


@contextmanager
def plain_logs() -> Iterator[None]:
    """Let the connector's logger write plain lines, and not the platform's messages; afterwards it is as it was."""
    logger = logging.getLogger("airbyte.stripe")
    if any(isinstance(handler.formatter, _Plain) for handler in logger.handlers):
        yield
        return
    before = logger.handlers, logger.propagate, logger.level
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Plain())
    logger.handlers, logger.propagate = [handler], False
    logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.handlers, logger.propagate = before[:2]
        logger.setLevel(before[2])
