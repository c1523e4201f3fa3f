"""The process: `source-stripe spec | check | discover | read | sql`."""

from __future__ import annotations

import gc
import sys
import threading
from contextlib import redirect_stdout
from typing import NoReturn

from source_stripe.process.ending import end, watch
from source_stripe.process.masking import MaskedText
from source_stripe.process.memory import share_heaps
from source_stripe.process.output import Output
from source_stripe.process.startup import quick_imports
from source_stripe.sql.extra import MissingExtraError, needs_extra

_COLLECT = (50_000, 20, 100)
"""How rarely Python looks for cycles: pages are trees without any, and looking would be a tenth of the work. See
docs/design/threads.md, "Memory"."""


def main() -> None:
    """Run the command line's command and end the process, even if threads still wait to hand over rows."""
    if sys.stdout is None:
        # The next file to be opened would get its descriptor, and the rows.
        sys.exit("source-stripe writes its messages to stdout, which is closed.")
    if sys.stderr is not None:
        sys.stderr = MaskedText(sys.stderr)
    share_heaps()
    if sys.argv[1:2] == ["sql"]:
        sys.exit(_ask(sys.argv[2:]))
    output = Output(sys.stdout.fileno(), lost=lambda error: end(output, 1, str(error)))
    watch(output)
    with quick_imports():
        # The CDK: most of what a command takes before its first request.
        from source_stripe.entrypoint import run  # noqa: PLC0415
    gc.set_threshold(*_COLLECT)
    output.take_logs()
    threading.excepthook = lambda failed: _fail(failed, output)
    with redirect_stdout(output):
        end(output, run(sys.argv[1:], output))


def _ask(words: list[str]) -> int:
    """Answer questions in SQL: for people, so not in the platform's messages."""
    try:
        with quick_imports(), needs_extra():
            from source_stripe.sql.command import main as ask  # noqa: PLC0415 - with what the plain install has not
    except MissingExtraError as error:
        print(error, file=sys.stderr)
        return 1
    return ask(words)


def _fail(failed: threading.ExceptHookArgs, output: Output) -> NoReturn:
    """End the process when one of its threads has died: nothing would do that thread's work."""
    from airbyte_cdk.utils.traced_exception import AirbyteTracedException  # noqa: PLC0415

    from source_stripe.entrypoint import tell  # noqa: PLC0415

    if failed.exc_value is not None:
        message = f"source-stripe failed in its thread {failed.thread and failed.thread.name}: {failed.exc_value}"
        tell(AirbyteTracedException.from_exception(failed.exc_value, message=message), output)
    end(output, 1)


if __name__ == "__main__":
    main()
