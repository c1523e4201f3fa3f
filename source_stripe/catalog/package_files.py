"""The package's data: inside it once it is built; the manifest and the schemas stand beside it in a checkout."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).parents[1]


def resource(name: str) -> Path:
    """Where a file such as `schemas/charges.json` is. Raises FileNotFoundError where the build left it out."""
    for folder in (_PACKAGE, _PACKAGE.parent):
        if (path := folder / name).is_file():
            return path
    raise FileNotFoundError(f"{name} is neither in {_PACKAGE} nor beside it: the package was built without it")
