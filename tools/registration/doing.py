"""What is wanted, and one place where things are done or, in a dry run, only told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from tools.registration.airbyte import Airbyte, Json

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Wanted:
    """What is to be there in the end."""

    repository: str
    tag: str
    name: str
    config: Json
    config_path: str
    workspace: str | None = None
    like: str | None = None
    new_key: bool = False
    dry_run: bool = False
    wait: float = 0.0
    """Seconds to wait for a sync that runs."""

    @property
    def image(self) -> str:
        return f"{self.repository}:{self.tag}"


@dataclass
class Doing:
    """Does what changes something, and says it in a line."""

    airbyte: Airbyte
    wanted: Wanted
    say: Callable[[str], None]
    changes: int = field(default=0, init=False)

    def do(self, line: str, verb: str, action: Callable[[], Answer]) -> Answer | None:
        """Do it, and say the line with the verb in it. A dry run says what would be done; the answer is None then."""
        self.changes += 1
        if self.wanted.dry_run:
            self.say(line.format(f"would be {verb}"))
            return None
        answer = action()
        self.say(line.format(verb))
        return answer


def streams(count: int) -> str:
    """So many streams, in words."""
    return f"{count} stream" if count == 1 else f"{count} streams"
