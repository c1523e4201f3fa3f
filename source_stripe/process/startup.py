"""Start-up: most of what a command takes before its first request goes into importing the CDK."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager, suppress


@contextmanager
def quick_imports() -> Iterator[None]:
    """Around the imports of the CDK: switch off the garbage collector, as all of it stays, and a parser of docstrings.

    serpyco_rs parses the source text of the CDK's message classes for the docstrings of their fields. Nothing uses
    those, and it takes a third of the imports' time.
    """
    gc.disable()
    with suppress(ImportError):
        import attributes_doc  # noqa: PLC0415 - of serpyco_rs; it may do without one day

        attributes_doc.get_attributes_doc = _none
    yield
    gc.freeze()
    gc.enable()


def _none(cls: type) -> dict[str, str]:  # noqa: ARG001 - the signature of what it stands for
    return {}
