"""Write source_stripe/expandable.json: what Stripe's objects name, hold and hide. A file that is right is left alone.

The places come from the types of the `stripe` package. No type says that a field is left out unless it is expanded:
`hidden_fields.json` has those, kept by hand from Stripe's reference (https://docs.stripe.com/api, "expandable"). An
object that has a `never` there gives none of them out: that says why. The streams' objects are in the file that is
written, and what can be reached from them.

With --check nothing is written: the exit code says whether it is up to date.
"""

import argparse
import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tools.generate_schemas import ROOT, read_rows
from tools.type_places import places
from tools.type_supplements import object_type

_HIDDEN = Path(__file__).with_name("hidden_fields.json")

Json = dict[str, Any]


def main(arguments: list[str] | None = None) -> int:
    """Generate or check; the exit code."""
    parser = argparse.ArgumentParser(
        prog="generate_expandable", description="What can be expanded in the streams' rows."
    )
    parser.add_argument("--check", action="store_true", help="change nothing, exit 1 if the file is not up to date")
    parser.add_argument("--manifest", type=Path, default=ROOT / "manifest.yaml")
    parser.add_argument("--file", type=Path, default=ROOT / "source_stripe" / "expandable.json")
    options = parser.parse_args(arguments)
    wanted = render(facts({kind for row in read_rows(options.manifest) for kind in row.objects}))
    if options.file.exists() and options.file.read_text("utf-8") == wanted:
        return 0
    print(f"{options.file.name}: {'differs' if options.file.exists() else 'missing'}")
    if options.check:
        return 1
    options.file.write_text(wanted, "utf-8")
    return 0


def facts(objects: Iterable[str]) -> dict[str, Json]:
    """By object what the room of expansions wants to know: `ids`, `whole` and `lists`, `hidden`, and `never`.

    Objects with nothing of that are left out.
    """
    hidden = hidden_fields()
    found: dict[str, Json] = {}
    left = sorted(objects)
    while left:
        name = left.pop()
        if name in found:
            continue
        there = places(object_type(name))
        ids, whole, lists = (outside_of_errors(paths) for paths in (there.ids, there.whole, there.lists))
        left_out = hidden.get(name, {"fields": []})
        why = left_out.get("never")
        found[name] = {
            "ids": ids,
            "whole": whole,
            "lists": lists,
            "hidden": [] if why else left_out["fields"],
            "never": dict.fromkeys(left_out["fields"], why) if why else {},
        }
        left += [kind for paths in (ids, whole, lists) for kinds in paths.values() for kind in kinds]
    told = {name: {key: value for key, value in fact.items() if value} for name, fact in found.items()}
    return {name: fact for name, fact in sorted(told.items()) if fact}


def hidden_fields() -> dict[str, Json]:
    """By object: the `fields` that Stripe leaves out unless they are expanded, and why they `never` are, if so."""
    found: dict[str, Json] = json.loads(_HIDDEN.read_text("utf-8"))
    return found


def outside_of_errors(paths: Mapping[str, list[str]]) -> dict[str, list[str]]:
    """Places that are not inside of an error that an object keeps (last_payment_error): that has copies in it."""
    return {
        path: _without_relics(kinds)
        for path, kinds in paths.items()
        if not any(segment.endswith("_error") for segment in path.split("."))
    }


def _without_relics(kinds: list[str]) -> list[str]:
    """Of the objects that a payment source may be, no account: those were never more than a beginning."""
    return [kind for kind in kinds if kind != "account" or "source" not in kinds]


def render(found: Mapping[str, Json]) -> str:
    """The facts as JSON, an object a line."""
    lines = (f"{json.dumps(name)}: {json.dumps(fact, separators=(',', ':'))}" for name, fact in found.items())
    return "{\n" + ",\n".join(lines) + "\n}\n"


if __name__ == "__main__":
    sys.exit(main())
