"""The door for Python: questions from a notebook or a script."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from source_stripe.process.inputs import read_config
from source_stripe.sql.answers import Answer
from source_stripe.sql.logs import plain_logs
from source_stripe.sql.metering import Meter
from source_stripe.sql.session import Session

_Stripe = TypeVar("_Stripe", bound="Stripe")


class Stripe:
    """An account, to be asked in SQL."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        """Raises ConfigError."""
        self._session = Session(config, Meter())
        self._open = ExitStack()
        self._open.enter_context(plain_logs())

    def sql(self, question: str, *, yes: bool = False) -> Answer:
        """The answer to a SELECT, DESCRIBE, SHOW or EXPLAIN: `fetchall`, `fetchmany`, `df` and others read it.

        Rows are asked for while they are fetched, and the answer is good until the next question. `yes` answers
        even if that takes more than 200 requests.

        Raises QueryError, and StreamFailure with Stripe's words where Stripe refuses or stays silent.
        """
        return self._session.answer(question, agreed=yes)

    @property
    def requests(self) -> int:
        """How many requests the last question has made so far."""
        return self._session.meter.requests

    def close(self) -> None:
        """Forget the last answer, and leave the log to others again."""
        self._session.engine.begin()
        self._open.close()

    def __enter__(self: _Stripe) -> _Stripe:  # noqa: PYI019 - `typing` has Self since Python 3.11 only
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def connect(config: Mapping[str, Any] | str | Path) -> Stripe:
    """Open an account. `config` is the connector's, or the path of its file. Raises ConfigError or InputError."""
    return Stripe(read_config(str(config)) if isinstance(config, str | Path) else config)
