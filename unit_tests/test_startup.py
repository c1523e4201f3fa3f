"""Start-up: what is left out of it is missed by nobody."""

from __future__ import annotations

import subprocess
import sys


def test_the_cdk_is_imported_without_reading_its_docstrings() -> None:
    """In a process of its own: here everything is imported already."""
    program = """
import ast, gc
parse, parsed = ast.parse, []
ast.parse = lambda source, *rest, **named: parsed.append(source) or parse(source, *rest, **named)
from source_stripe.process.startup import quick_imports
with quick_imports():
    assert not gc.isenabled()
    import source_stripe.entrypoint
assert gc.isenabled()
print(sum("class AirbyteMessage" in source for source in parsed))
"""

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)  # noqa: S603

    assert done.stdout == "0\n"
