"""The extra: the packages that questions in SQL need, and that the plain install does not bring."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.abc import MetaPathFinder

HOW = (
    'Asking Stripe in SQL needs packages that the plain install leaves out: pip install "source-stripe[sql]" brings '
    "them. {name} is missing."
)
_PACKAGES = ("duckdb", "prompt_toolkit", "pyarrow", "sqlglot")


class MissingExtraError(ImportError):
    """The packages are not there. The text says how to get them."""


@contextmanager
def needs_extra() -> Iterator[None]:
    """Around the import of what needs them. Raises MissingExtraError."""
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in _PACKAGES:
            raise
        raise MissingExtraError(HOW.format(name=error.name)) from None


class _NoPandas(MetaPathFinder):
    def find_spec(self, fullname: str, path: object = None, target: object = None) -> None:
        if fullname == "pandas":
            raise ModuleNotFoundError("not needed here", name=fullname)


def without_pandas() -> None:
    """Let pyarrow find no pandas in this process: it would load it with its first array, 50 MB that nothing needs."""
    sys.meta_path.insert(0, _NoPandas())
