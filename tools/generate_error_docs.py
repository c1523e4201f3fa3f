"""Write docs/errors.md, all messages that a user can meet, from the code that says them; if it is right it stays alone.

The error table gives its rows; other messages are provoked, each by what brings it about. With --check nothing is
written: the exit code says whether it is up to date.
"""

import ast
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from airbyte_cdk.models import (
    AirbyteStream,
    ConfiguredAirbyteCatalog,
    ConfiguredAirbyteStream,
    DestinationSyncMode,
    FailureType,
    SyncMode,
)

from source_stripe import checking
from source_stripe.accounts.listing import NameUnknown, NoPlatform
from source_stripe.accounts.stream_sync import MOVED as PART
from source_stripe.api.answers import Refusal
from source_stripe.api.errors import Outcome, Policy, StripeError
from source_stripe.api.listing import Listing
from source_stripe.api.pages import MalformedObject, MalformedPage, OneAnswer
from source_stripe.api.policies import TABLE
from source_stripe.api.refusals import ObjectsRefused, TooManyRefused
from source_stripe.api.replies import Silence
from source_stripe.catalog.asking import Asking
from source_stripe.catalog.config import ConfigError, parse_config
from source_stripe.catalog.expanding import expanded_too
from source_stripe.catalog.filtering import filtered
from source_stripe.catalog.manifest import Manifest
from source_stripe.catalog.selection import refused
from source_stripe.catalog.stream_rows import StreamRow
from source_stripe.process.inputs import InputError
from source_stripe.reading.changes import GAP
from source_stripe.reading.readings import GONE
from source_stripe.reading.resuming import AHEAD, FILTERED, MOVED, OtherData
from source_stripe.reading.state import UnknownStateError
from tools.bad_configs import BAD_CONFIGS, BAD_EXPANSIONS, BAD_FILTERS
from tools.generate_docs import ROOT, parser_of, write
from tools.prose import filled, marked, quoted

_SAID = "`<what Stripe said (HTTP status, type, code, param, request ID)>`"
_NO_ANSWER = "`<host, port and kind of failure>`"
_TYPES = {
    FailureType.config_error: "config error",
    FailureType.transient_error: "transient error",
    FailureType.system_error: "system error",
}
_KEY = "sk_test_example"


def configured(stream: str, cursor_field: list[str] | None = None) -> ConfiguredAirbyteStream:
    """A stream as a catalog selects it."""
    return ConfiguredAirbyteStream(
        AirbyteStream(stream, {}, [SyncMode.incremental]),
        SyncMode.incremental,
        DestinationSyncMode.append,
        cursor_field,
    )


UNREADABLE = (
    configured("<stream>"),
    configured("charges", cursor_field=["<field>"]),
)
"""What a catalog may select that can't be read."""

CONNECTOR = {
    "source-stripe failed: ": "Something that nobody foresaw. Sync again: nothing that was read is lost. If it stays, "
    "report it with this message and the trace in the log.",
    "source-stripe failed in its thread ": "The same, beside the streams: the sync ends, as nobody would do what the "
    "thread was there for.",
    "Not read to their end: ": "The sync ended without saying of these streams that they failed. Report it.",
    "source-stripe can't write its messages: ": "Its output is closed or its disk is full. The next sync goes on from"
    " the last state that was taken.",
    "source-stripe ends: ": "Whoever read its output is gone. The next sync goes on from the last state that it took.",
    "source-stripe writes its messages to stdout, ": "It was started with stdout closed.",
}
"""How messages of the entry point begin, and what they are about."""

_INTRO = """\
# Errors

<!-- Written by tools/generate_error_docs.py from the code that says them. Change that, and run it again. -->

Every message that you can meet, why it comes, and what to do about it.

A failure ends one stream and leaves the others alone, unless it says otherwise here. Its message begins with *The
stream ... can't be read* and says what was asked for, what Stripe said, with the request ID that Stripe's support wants
to know, and what to do. The stream's state stays that of its last checkpoint: the next sync goes on from there.

- A **config error** is yours to solve: a key, a permission, a setting. Syncing again changes nothing before that.
- A **transient error** passes: Airbyte syncs again by itself. What can pass within a sync has been asked for again for
  15 minutes by then (20 seconds in `check`).
- A **system error** is the connector's or Stripe's: report it if it stays.

A stream says each reason once, whatever it was refused that often. At its end a failed sync says in one short message
how many streams failed, and for the most of them why.

Keys never stand in a message, a log line or a trace, wherever they were pasted: what follows `sk_live_` and the other
prefixes of Stripe's comes out as three dots.
"""


def main(arguments: list[str] | None = None) -> int:
    """Generate or check; the exit code."""
    parser = parser_of("generate_error_docs", "The messages that a user can meet.", ROOT / "docs" / "errors.md")
    options = parser.parse_args(arguments)
    return write(options.page, page(), check=options.check)


def page() -> str:
    """The page: a section for each source of messages."""
    silences = [policy for policy in TABLE.values() if isinstance(policy.replies, Silence)]
    answers = [policy for policy in TABLE.values() if policy not in silences]
    sections = (
        _INTRO,
        "## What Stripe answers\n",
        *map(_entry, answers),
        "## When no answer comes\n",
        *map(_entry, silences),
        "## One object refused\n",
        *_refused(),
        "## Answers that can't be right\n",
        *_malformed(),
        "## The config\n",
        *_config(),
        "## The state\n",
        *_state(),
        "## Connected accounts\n",
        *_accounts(),
        "## The files\n",
        *_files(),
        "## What check says\n",
        *_check(),
        "## The connector\n",
        *_connector(),
    )
    return "\n".join(sections)


def _entry(policy: Policy) -> str:
    said = _NO_ANSWER if isinstance(policy.replies, Silence) else _SAID
    message = policy.sentence(
        path="`<path>`",
        key="`<live or test, secret or restricted>` key",
        said=said,
        permission="the permission `<rak_..._read>`",
    )
    happens = f"{policy.outcome.value[0].upper()}{policy.outcome.value[1:]}."
    kind = f" When that is over: a {_TYPES[policy.failure]}." if policy.outcome is Outcome.RETRY else ""
    if policy.outcome in (Outcome.KEY_REFUSED, Outcome.PERMISSION_MISSING, Outcome.REFUSED):
        kind = f" A {_TYPES[policy.failure]}."
    heading = f"### {policy.name[0].upper()}{policy.name[1:]}"
    why = policy.why.format(**_judged())
    return "\n\n".join([heading, quoted(message), filled(why), filled(f"{happens}{kind}"), ""])


def _refused() -> Iterator[str]:
    yield quoted(marked(ObjectsRefused("<stream>", [("<id>", "<why>"), ("<id>", "")]).message or "")) + "\n"
    yield filled(
        "Stripe refused what was asked about single objects: an object itself, what is nested in it, or its children. "
        "It answered with *request refused*, *no retry wanted*, *place in the list gone* or *object gone* (where what "
        "is gone is not the object itself), or the ID has no address. All others were read. The state goes on and "
        "carries the IDs under `refused`, so that each next sync asks for them again. A system error."
    )
    yield ""
    yield quoted(marked(TooManyRefused("<id>", "<why>").message or "")) + "\n"
    yield filled("That is no matter of single objects: the stream stops. A system error.") + "\n"
    yield quoted(marked(MalformedObject("<path>", "<what is wrong>").message or "")) + "\n"
    yield filled("Something else came than the object that was asked for; it counts as refused. What may be wrong:")
    yield ""
    yield from (f"- {what}" for what in _found_wrong("MalformedObject"))
    yield ""


def _malformed() -> Iterator[str]:
    told = MalformedPage("<path>", "<what is wrong>")
    yield quoted(marked(told.message or "")) + "\n"
    yield filled(
        "Stripe's answer breaks the rules of its own lists, and going on would loop or lose rows. A system error. "
        "What may be wrong:"
    )
    yield ""
    yield from (f"- {what}" for what in malformations())
    yield ""


def malformations() -> list[str]:
    """What the code finds wrong with pages."""
    return _found_wrong("MalformedPage")


def _found_wrong(kind: str) -> list[str]:
    """What the code says in failures of a kind."""
    found = {}
    for module in sorted((ROOT / "source_stripe").rglob("*.py")):
        for call in ast.walk(ast.parse(module.read_text("utf-8"))):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == kind:
                found[_text(call.args[1])] = True
    return list(found)


def _text(node: ast.expr) -> str:
    """A string of the code; what it fills in, as such."""
    parts = node.values if isinstance(node, ast.JoinedStr) else [node]
    return "".join(str(part.value) if isinstance(part, ast.Constant) else "`<...>`" for part in parts)


def _config() -> Iterator[str]:
    yield filled(
        "`check` refuses a config that can't be used, before any request, and so do `discover` and `read`. The "
        "message begins with *The config can't be used:* and says all that is wrong. A config error."
    )
    yield ""
    for why, config in BAD_CONFIGS:
        yield quoted(_unusable(partial(parse_config, {"client_secret": _KEY, **config}))) + "\n\n" + filled(why) + "\n"
    yield filled("Of `expand` ([expand.md](expand.md) says what can be):") + "\n"
    rows = Manifest.load().rows
    for why, expand in BAD_EXPANSIONS:
        message = _unusable(partial(expanded_too, rows, expand))
        shown, _, listed = message.partition(" What can be expanded: ")
        yield quoted(shown + (" What can be expanded: ..." if listed else "")) + "\n\n" + filled(why) + "\n"
    yield from _filters(rows)


def _filters(rows: Mapping[str, StreamRow]) -> Iterator[str]:
    yield filled("Of `filters` ([filters.md](filters.md) says what can be):") + "\n"
    for why, filters in BAD_FILTERS:
        shown, has, _ = _unusable(partial(filtered, rows, filters)).partition(" has: ")
        yield quoted(shown + (" has: ..." if has else "")) + "\n\n" + filled(why) + "\n"


def _judged() -> Mapping[str, str]:
    """What the manifest says of replies, in words."""
    judged = Asking.of(Manifest.load(), parse_config({"client_secret": _KEY})).judged
    five = set(range(500, 600))
    words = [str(status) for status in sorted(judged.passing - five)] + ["5xx"] * (five <= judged.passing)
    return {
        "limited": " or ".join(map(str, sorted(judged.limited))),
        "passing": f"{', '.join(words[:-1])} or {words[-1]}",
        "cursor_param": judged.cursor_param,
    }


def _unusable(use: Callable[[], object]) -> str:
    """What is said of a config that is used so."""
    try:
        use()
    except ConfigError as refused:
        return str(refused).removeprefix("The config can't be used: ")
    raise ValueError("nothing is wrong with it")


def _state() -> Iterator[str]:
    yield quoted(marked(str(UnknownStateError("<stream>", "<the state>")))) + "\n"
    yield filled(
        "The state is another connector's, was edited, or lies days ahead of Stripe's clock, which would skip what "
        "comes in between. States of Airbyte's own Stripe connector are understood. A config error."
    )
    yield ""
    other = OtherData("the account <account>", "the account <other account>")
    other.concerns("<stream>")
    yield quoted(marked(other.message or "")) + "\n"
    yield filled(
        "The key, or `account_id`, was replaced by one of another account, or a live key by one for test data. The "
        "stream reads nothing, and its state stays as it was. A config error."
    )
    yield ""
    yield quoted(marked("WARN " + GAP.replace("%s", "<stream>"))) + "\n"
    yield filled("No failure. [how-it-works.md](how-it-works.md#gaps) says what a gap costs.") + "\n"
    yield quoted(marked("WARN " + GONE.replace("%s", "<stream>", 1).replace("%s", "<time>"))) + "\n"
    yield filled("No failure. The rows of that stream are events, and nothing else holds what they held.") + "\n"
    for said in (MOVED, FILTERED, AHEAD):
        yield quoted(marked("WARN " + said.replace("%s", "<stream>", 1).replace("%s", "<time>"))) + "\n"
    yield (
        filled(
            "No failures. [how-it-works.md](how-it-works.md#when-something-around-it-changes) says what comes again."
        )
        + "\n"
    )


def _accounts() -> Iterator[str]:
    yield quoted(marked(NoPlatform("<what Stripe said>").message or "")) + "\n"
    yield filled("Stripe lists no connected accounts for the key. A config error of all streams.") + "\n"
    yield quoted(marked(NameUnknown().message or "")) + "\n"
    yield filled("Each row says whose it is, and only `GET /v1/account` says whose the key is. A config error.") + "\n"
    yield quoted(marked("WARN " + PART.replace("%s", "<stream>", 1).replace("%s", "<part>"))) + "\n"
    yield filled("No failure. [design/accounts.md](design/accounts.md#parts) says what a change of parts means.") + "\n"


def _files() -> Iterator[str]:
    yield quoted(marked(InputError("<config, catalog or state>", "<file> <what is wrong>").message or "")) + "\n"
    yield filled("It was written by hand, or by another program for another connector. A config error. It may be:")
    yield ""
    yield from (f"- {what}" for what in _found_wrong("InputError"))
    yield ""
    rows = Manifest.load().rows
    for problem in refused(ConfiguredAirbyteCatalog(streams=[*UNREADABLE]), rows).values():
        yield quoted(marked(problem)) + "\n"
    yield filled(
        "The connection was set up with another connector, or another version of this one. Such a stream fails with a "
        "config error, and the others are read."
    )
    yield ""


def _check() -> Iterator[str]:
    yield filled(
        "`check` asks for one row of every list that the streams are read from, and logs what it finds. It fails only"
        " if the key is refused or no stream can be read; then its message is all of the following that applies."
    )
    yield ""
    lacking = StripeError(TABLE["permission missing"], "", Refusal(403, message="rak_charge_read"))
    missing = StripeError(TABLE["product not enabled"], "", Refusal(400, message="<Stripe's message>"))
    other = StripeError(TABLE["request refused"], "<path>", Refusal(400, message="<what Stripe said>"))
    silent = StripeError(TABLE["no answer"], "<path>", Refusal(0, message="<host, port and kind of failure>"))
    told: tuple[tuple[str, list[checking.Finding]], ...] = (
        (
            "The streams will fail with *permission missing*. Stripe names one permission at a time: check again then.",
            [_finding(lacking, "charges")],
        ),
        (
            "The first sync works without, later ones of streams that follow events don't.",
            [_finding(lacking, followers=("charges",))],
        ),
        ("See *product not enabled*. Nothing needs to be done.", [_finding(missing, "<stream>")]),
        ("Any other failure, as it would end the stream.", [_finding(other, "<stream>")]),
        (
            "Stripe fell silent, or refused the key, in the middle of it.",
            [_finding(silent, "<stream>"), checking.Finding(_probe("<other stream>"), asked=False)],
        ),
    )
    for why, findings in told:
        verdict = checking.judge(findings)
        *_, line = (*verdict.warnings, *verdict.notes)
        yield quoted(marked(line.whole)) + "\n\n" + filled(why) + "\n"
    yield filled(
        "Children that are asked for by their parent's ID are not asked for by `check`, nor is the rest of a nested "
        "list: a permission that only those need shows in the sync."
    )
    yield ""


def _finding(failure: StripeError, *streams: str, followers: tuple[str, ...] = ()) -> checking.Finding:
    return checking.Finding(_probe(*streams, followers=followers), failure)


def _probe(*streams: str, followers: tuple[str, ...] = ()) -> checking.Probe:
    nowhere: Any = None
    return checking.Probe(Listing("/v1/events", nowhere, OneAnswer()), (), streams, followers)


def _connector() -> Iterator[str]:
    yield quoted(marked("The stream <stream> is read together with <other stream>. <Why that failed>")) + "\n"
    yield filled(
        "Both come from the same list, which is read once for them. The error's type is that of the other stream's."
    )
    yield ""
    for beginning, why in CONNECTOR.items():
        yield quoted(f"{beginning}`<what>`") + "\n\n" + filled(why) + "\n"


if __name__ == "__main__":
    sys.exit(main())
