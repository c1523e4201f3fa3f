"""Lists that lie: in another order than they are embedded in, without their rest, or without some rows' ids."""

from collections.abc import Callable
from urllib.parse import parse_qs, parse_qsl, urlencode

import orjson

from stripe_emulator.facts import Json
from stripe_emulator.faults import CURSORS, Fault, Reply, refused


def reordered(name: str, order: Callable[[list[Json]], list[Json]]) -> Fault:
    """A list of at most a hundred rows, paged in this order."""

    def query(query: str) -> str:
        """All rows of the list, whatever page is asked for."""
        asked = parse_qsl(query, keep_blank_values=True)
        return urlencode([*((key, value) for key, value in asked if key not in (*CURSORS, "limit")), ("limit", "100")])

    def reply(reply: Reply, query: str) -> Reply:
        body, asked = orjson.loads(reply.body), parse_qs(query)
        if reply.status != 200:
            return reply
        if body["has_more"]:
            raise ValueError("the list is too long to be reordered")
        rows, (size,) = order(body["data"]), asked.get("limit", ["10"])
        ids = [row["id"] for row in rows]
        first = ids.index(asked["starting_after"][0]) + 1 if "starting_after" in asked else 0
        body.update(data=rows[first : first + int(size)], has_more=first + int(size) < len(rows))
        return Reply(200, reply.headers, orjson.dumps(body))

    return Fault(name, query=query, reply=reply)


def changed(name: str, change: Callable[[Json], object]) -> Fault:
    """A list's answer, after this was done to it."""

    def reply(reply: Reply, _query: str) -> Reply:
        if reply.status != 200:
            return reply
        body = orjson.loads(reply.body)
        change(body)
        return Reply(200, reply.headers, orjson.dumps(body))

    return Fault(name, reply=reply)


def about_another(kind: str, object_id: str, param: str) -> Fault:
    """A refusal that says of another object than the one that was asked for that it isn't there."""
    return refused(
        404, f"No such {kind}: '{object_id}'", kind="invalid_request_error", code="resource_missing", param=param
    )


REVERSED = reordered("reversed", lambda rows: rows[::-1])
TURNED = reordered("turned", lambda rows: rows[7:] + rows[:7])
"""What comes behind its tenth row lacks the first seven of others, and repeats none."""
SORTED = reordered("sorted", lambda rows: sorted(rows, key=lambda row: str(row["id"])[::-1]))
NO_ROWS = changed("no rows", lambda body: body.update(data=[], has_more=False))
FIRST_TEN = changed("first ten", lambda body: body.update(data=body["data"][:10], has_more=False))
EVERY_OTHER = changed("every other", lambda body: body.update(data=body["data"][::2], has_more=False))
REPEATED = changed("repeated", lambda body: body.update(data=body["data"] + body["data"][:1]))
NOT_THERE = refused(404, "No such object", kind="invalid_request_error", code="resource_missing", param="id")
