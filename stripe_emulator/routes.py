"""Which endpoint a path is of."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from urllib.parse import unquote

from stripe_emulator import facts, retired
from stripe_emulator.facts import Endpoint


@dataclass(frozen=True)
class Match:
    """An endpoint and what stands in its path's placeholders, in order."""

    endpoint: Endpoint
    arguments: tuple[str, ...]

    def argument(self, name: str) -> str:
        return self.arguments[self.endpoint.names.index(name)]


@dataclass
class _Node:
    below: dict[str, "_Node"] = field(default_factory=dict)
    endpoint: Endpoint | None = None


def find(path: str) -> Match | None:
    """The endpoint of a path as it is on the wire. Literal segments win over placeholders."""
    return _find(_tree(), [unquote(segment) for segment in path.split("/")[1:]], ())


def _find(node: _Node, segments: list[str], arguments: tuple[str, ...]) -> Match | None:
    if not segments:
        return Match(node.endpoint, arguments) if node.endpoint else None
    segment, *rest = segments
    if segment in node.below and (match := _find(node.below[segment], rest, arguments)):
        return match
    if segment and "{}" in node.below:
        return _find(node.below["{}"], rest, (*arguments, segment))
    return None


@cache
def _tree() -> _Node:
    return _grown((*facts.endpoints(), *retired.ENDPOINTS))


def _grown(endpoints: Iterable[Endpoint]) -> _Node:
    root = _Node()
    for endpoint in endpoints:
        node = root
        for segment in endpoint.path.split("/")[1:]:
            node = node.below.setdefault("{}" if segment.startswith("{") else segment, _Node())
        node.endpoint = endpoint
    return root
