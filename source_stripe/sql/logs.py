"""Logs: what is said while a question is answered, as plain lines on stderr. The answer has stdout for itself."""

from __future__ import annotations

import logging
import sys

from source_stripe.process.masking import masked


class _Plain(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return masked(record.getMessage())


def plain_logs() -> None:
    """Let the connector's logger write plain lines, and not the platform's messages."""
    logger = logging.getLogger("airbyte.stripe")
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Plain())
    logger.handlers, logger.propagate = [handler], False
    logger.setLevel(logging.WARNING)
