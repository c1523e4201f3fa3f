"""Start-up: most of what a command takes before its first request goes into importing the CDK."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager, suppress


@contextmanager
def quick_imports() -> Iterator[None]:
    """While the CDK is imported: don't look for garbage, as what comes is there to stay; and don't read docstrings.

    For its message classes serpyco_rs parses their source text, for what their fields' docstrings say. Nobody asks for
    that, and it is a third of the imports.
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
