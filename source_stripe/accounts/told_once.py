"""Told once: what ten thousand accounts have in common is one line of the log, with a count.

The engine logs as if there were one account. While a sync of several runs, a filter lets the first line of each kind
pass, with the account that it is about, and counts the others. At the end it says how many there were.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from source_stripe.reading.feed import NO_EVENTS, READ_IN_SPANS
from source_stripe.reading.piece_records import STAYS_EMPTY
from source_stripe.reading.relisting import NEXT, NOW

_ONLY_COUNTED = {
    STAYS_EMPTY: "The stream %s stays empty for %d accounts. Of %s it was said: %s",
    NO_EVENTS: "%.0sAccounts have no events, so that nothing tells what changed: %d times, first of %s. %s",
}
"""What is said once at the end, in other words: stream, how often, the first account, and the line about that."""
_OF_ALL = frozenset({NEXT, NOW})
"""What holds for all accounts alike."""
_NEVER = frozenset({READ_IN_SPANS})
"""What is of no use where there are many."""
_logger = logging.getLogger("airbyte.stripe")
_here = threading.local()


def reading(account: str, work: Callable[..., Any], *args: Any) -> Any:
    """Do some work for an account on this thread."""
    _here.account = account
    return work(*args)


@dataclass
class _Counted:
    account: str
    line: str
    times: int = 0


class ToldOnce(logging.Filter):
    """Lets the first line of each kind pass, and counts the others."""

    def __init__(self) -> None:
        super().__init__()
        self._counted: dict[tuple[str, str], _Counted] = {}
        self._lock = threading.Lock()

    def filter(self, record: logging.LogRecord) -> bool:
        account, template = getattr(_here, "account", None), str(record.msg)
        if account is None or not self._is_counted(record, template):
            return True
        if template in _NEVER:
            return False
        # Other lines begin with the id of an object: of those there are too many kinds.
        of_stream = template.startswith("The stream %s") and isinstance(record.args, tuple)
        about = str(record.args[0]) if of_stream and isinstance(record.args, tuple) else ""
        with self._lock:
            counted = self._counted.get((template, about))
            if counted is None:
                counted = self._counted[template, about] = _Counted(account, record.getMessage())
            counted.times += 1
        if counted.times > 1 or template in _ONLY_COUNTED:
            return False
        if template not in _OF_ALL:
            record.msg, record.args = "Account %s: %s", (account, record.getMessage())
        return True

    def _is_counted(self, record: logging.LogRecord, template: str) -> bool:
        """Whether a line is about a stream of an account. Those of single requests are few, and all told."""
        return not template.startswith("GET ")

    def tell(self) -> None:
        """At the end: how often each line came up, where it did more than once."""
        for (template, about), counted in self._counted.items():
            if template in _ONLY_COUNTED:
                _logger.info(_ONLY_COUNTED[template], about, counted.times, counted.account, counted.line)
            elif counted.times > 1 and template not in _OF_ALL:
                _logger.info("That came up %d times, for this account and others: %s", counted.times, counted.line)


@contextmanager
def told_once() -> Iterator[None]:
    """While a sync of several accounts runs."""
    told = ToldOnce()
    _logger.addFilter(told)
    try:
        yield
    finally:
        _logger.removeFilter(told)
        told.tell()
