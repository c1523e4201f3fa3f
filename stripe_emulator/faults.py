"""Faults: what can go wrong between Stripe and who asks it.

    emulator.faults.add(faults.refused(503), on="/v1/charges", skip=1, times=2)
    emulator.faults.add(faults.RESET, having="starting_after", times=None)
    emulator.faults.at_random(0.05, seed=1)
    assert emulator.faults.met["reset"] == 2

A fault says what else happens to one request. Which requests meet it, say the rules of the account's `faults`.
"""

import gzip
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from email.utils import formatdate, parsedate_to_datetime
from functools import partial
from random import Random
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode

import orjson

from stripe_emulator.errors import StripeError, rate_limited
from stripe_emulator.facts import Json
from stripe_emulator.wire import End, Refused, Script, Step

CURSORS = ("starting_after", "ending_before", "page")
RATE_LIMITS = ("global-rate", "endpoint-rate", "global-concurrency", "endpoint-concurrency", "resource-specific")
"""What `Stripe-Rate-Limited-Reason` may say (https://docs.stripe.com/rate-limits)."""


@dataclass(frozen=True)
class Reply:
    """What goes back to the client."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    media_type: str = "application/json"


def _as_it_is(reply: Reply, _query: str) -> Reply:
    return reply


def _as_asked(query: str) -> str:
    return query


def _nothing() -> None:
    return


@dataclass(frozen=True)
class Fault:
    """What happens to a request, in this order."""

    name: str
    happens: Callable[[], None] = _nothing
    """In the account, before it is asked."""
    query: Callable[[str], str] = _as_asked
    """What is answered instead of the query."""
    refusal: StripeError | None = None
    """The answer, whatever was asked."""
    reply: Callable[[Reply, str], Reply] = _as_it_is
    """Another answer, given the one that there would be, and the query."""
    script: Script | None = None
    """How the answer goes over the wire, where it breaks there."""


@dataclass
class _Rule:
    fault: Fault
    pattern: str | None
    having: str | None
    of: str | None
    skip: int
    times: int | None

    def takes(self, places: Sequence[str], params: Mapping[str, Sequence[str]], account: str | None) -> bool:
        if self.times == 0 or self.pattern not in (None, *places) or (self.having and self.having not in params):
            return False
        if self.of not in (None, account):
            return False
        if self.skip:
            self.skip -= 1
            return False
        if self.times is not None:
            self.times -= 1
        return True


@dataclass(frozen=True)
class _Chance:
    rate: float
    random: Random
    faults: Sequence[Fault]


@dataclass
class Faults:
    """Which requests meet which faults. `met` counts those that did, by the names of the faults."""

    met: Counter[str] = field(default_factory=Counter)
    _rules: list[_Rule] = field(default_factory=list)
    _chance: _Chance | None = None

    def add(
        self,
        fault: Fault,
        on: str | None = None,
        *,
        having: str | None = None,
        of: str | None = None,
        skip: int = 0,
        times: int | None = 1,
    ) -> None:
        """Let so many requests (None: all) meet a fault, behind `skip` that don't.

        Those of a pattern or a path (`/v1/charges/{charge}`, `/v1/charges/ch_1`; None: any), that have the query
        parameter `having`, and name the account `of`, are counted. Where several rules fit, the first one added
        decides.
        """
        self._rules.append(_Rule(fault, on, having, of, skip, times))

    def at_random(self, rate: float, *, seed: int, faults: Sequence[Fault] | None = None) -> None:
        """Let any request that meets no other fault meet one of these (PASSING by default), with a chance of `rate`."""
        self._chance = _Chance(rate, Random(seed), PASSING if faults is None else faults)

    def clear(self) -> None:
        """From now on all goes well. What was met stays counted."""
        self._rules, self._chance = [], None

    def meet(self, pattern: str, path: str, params: Mapping[str, Sequence[str]], account: str | None = None) -> Fault:
        """The fault of a request; NONE if all goes well. Each request is told of once."""
        fitting = (rule.fault for rule in self._rules if rule.takes((pattern, path), params, account))
        fault = next(fitting, None) or self._by_chance()
        if fault is not NONE:
            self.met[fault.name] += 1
        return fault

    def _by_chance(self) -> Fault:
        chance = self._chance
        if chance is None or chance.random.random() >= chance.rate:
            return NONE
        return chance.random.choice(chance.faults)


NONE = Fault("none")


def refused(
    status: int,
    message: str = "An unknown error occurred",
    *,
    kind: str = "api_error",
    code: str | None = None,
    param: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> Fault:
    """An answer with an error object."""
    error = StripeError(status, message, kind=kind, code=code, param=param)
    more = dict(headers or {})
    name = " ".join([str(status), *([code] if code else []), *(f"{key}: {value}" for key, value in more.items())])
    return Fault(name, refusal=error, reply=_with_headers(more))


def limited(reason: str, **headers: str) -> Fault:
    """A 429 for this reason."""
    more = {"Stripe-Rate-Limited-Reason": reason, **headers}
    return Fault(f"429 {reason}", refusal=rate_limited(), reply=_with_headers(more))


def redirected(location: str, status: int = 302) -> Fault:
    """A redirect."""

    def reply(reply: Reply, _query: str) -> Reply:
        return Reply(status, {**reply.headers, "Location": location}, b"", "text/html")

    return Fault("redirect", reply=reply)


def clock_off(seconds: int) -> Fault:
    """The `Date` header is so many seconds ahead, or behind."""

    def reply(reply: Reply, _query: str) -> Reply:
        date = parsedate_to_datetime(reply.headers["Date"]).timestamp() + seconds
        return replace(reply, headers={**reply.headers, "Date": formatdate(date, usegmt=True)})

    return Fault(f"clock {seconds:+}", reply=reply)


def happening(name: str, happens: Callable[[], None]) -> Fault:
    """Something happens in the account before the request is answered."""
    return Fault(name, happens=happens)


def cut_gzip(name: str, keep: Callable[[int], int]) -> Fault:
    """A gzip body of which only so many bytes come, as its Content-Length says; `keep` is given how many it had."""

    def reply(reply: Reply, _query: str) -> Reply:
        packed = gzip.compress(reply.body)
        headers = {**reply.headers, "Content-Encoding": "gzip"}
        return replace(reply, headers=headers, body=packed[: keep(len(packed))])

    return Fault(name, reply=reply)


def dripping(seconds: float) -> Fault:
    """The body comes byte by byte, so many seconds apart."""

    def script(head: bytes, body: bytes) -> Iterator[Step]:
        yield head
        for number in range(len(body)):
            yield body[number : number + 1]
            yield seconds

    return Fault("dripped body", script=script)


def dripping_head(seconds: float) -> Fault:
    """The head comes byte by byte, so many seconds apart."""

    def script(head: bytes, body: bytes) -> Iterator[Step]:
        for number in range(len(head)):
            yield head[number : number + 1]
            yield seconds
        yield body

    return Fault("dripped head", script=script)


def unreachable(wait: Callable[[], object]) -> Fault:
    """All connections are reset, and new ones are refused until `wait`, called in a thread of its own, returns."""
    return Fault("connection refused", script=lambda _head, _body: [Refused(wait)])


def _with_headers(more: Mapping[str, str]) -> Callable[[Reply, str], Reply]:
    return lambda reply, _query: replace(reply, headers={**reply.headers, **more})


def _with_json(change: Callable[[Json, Mapping[str, list[str]]], Any]) -> Callable[[Reply, str], Reply]:
    """Another body where there is a list."""

    def reply(reply: Reply, query: str) -> Reply:
        body = orjson.loads(reply.body)
        if reply.status != 200 or not isinstance(body.get("data"), list):
            return reply
        change(body, parse_qs(query))
        return replace(reply, body=orjson.dumps(body))

    return reply


def without_rows(*ids: str) -> Fault:
    """Lists hide these."""

    def change(body: Json, _params: Mapping[str, list[str]]) -> None:
        body["data"] = [row for row in body["data"] if row["id"] not in ids]

    return Fault("hidden rows", reply=_with_json(change))


def _is_html(reply: Reply, _query: str) -> Reply:
    page = b"<!DOCTYPE html><html><head><title>Be right back</title></head><body>Be right back</body></html>"
    return replace(reply, status=200, body=page, media_type="text/html")


def _is_truncated(reply: Reply, _query: str) -> Reply:
    return replace(reply, body=reply.body[: len(reply.body) // 2])


def _is_of_another_type(reply: Reply, _query: str) -> Reply:
    return replace(reply, media_type="text/plain")


def _is_empty(reply: Reply, _query: str) -> Reply:
    return replace(reply, body=b"")


def _more_without_rows(body: Json, _params: Mapping[str, list[str]]) -> None:
    body.update(data=[], has_more=True)


def _without_an_id(body: Json, _params: Mapping[str, list[str]]) -> None:
    for row in body["data"][-1:]:
        del row["id"]


def _with_its_cursor(body: Json, params: Mapping[str, list[str]]) -> None:
    """The last row is the one, or the next page the same, that was gone on from."""
    if "next_page_url" in body and "page" in params:
        base, _, query = (body["next_page_url"] or body["previous_page_url"]).partition("?")
        others = [(name, value) for name, value in parse_qsl(query) if name != "page"]
        body["next_page_url"] = f"{base}?{urlencode([*others, ('page', params['page'][0])])}"
    elif "starting_after" in params and body["data"]:
        body["data"][-1]["id"] = params["starting_after"][0]
        body["has_more"] = True


def _without_cursor(query: str) -> str:
    return urlencode([(name, value) for name, value in parse_qsl(query, True) if name not in CURSORS])


def _chunked(head: bytes) -> bytes:
    lines = [line for line in head.rstrip(b"\r\n").split(b"\r\n") if not line.lower().startswith(b"content-length")]
    return b"\r\n".join([*lines, b"Transfer-Encoding: chunked"]) + b"\r\n\r\n"


def _half(body: bytes) -> bytes:
    return body[: len(body) // 2]


CONFLICT = refused(409, "This object was changed by another request.", kind="invalid_request_error")
LOCK_TIMEOUT = refused(
    429,
    "This object cannot be accessed right now because another API request or Stripe process is currently accessing it.",
    kind="invalid_request_error",
    code="lock_timeout",
)
VERSION_REFUSED = refused(400, "Invalid Stripe API version: 2026-10-28.endive", kind="invalid_request_error")
CURSOR_GONE = refused(
    400, "No such object", kind="invalid_request_error", code="resource_missing", param="starting_after"
)
RETRY_AT_ONCE = refused(503, headers={"Retry-After": "0"})
TOLD_TO_RETRY = refused(400, headers={"Stripe-Should-Retry": "true"})
TOLD_NOT_TO_RETRY = refused(500, headers={"Stripe-Should-Retry": "false"})

RESET = Fault("reset", script=lambda _head, _body: [End.RESET])
RESET_IN_BODY = Fault("reset in body", script=lambda head, body: [head, _half(body), 0.01, End.RESET])
CLOSED = Fault("closed", script=lambda _head, _body: [End.CLOSED])
CLOSED_IN_HEAD = Fault("closed in head", script=lambda head, _body: [_half(head), End.CLOSED])
CLOSED_IN_BODY = Fault("closed in body", script=lambda head, body: [head, _half(body), End.CLOSED])
CLOSED_IN_CHUNKS = Fault(
    "closed in chunks",
    script=lambda head, body: [_chunked(head), f"{len(body):x}\r\n".encode(), _half(body), End.CLOSED],
)
STALLED_HEAD = Fault("stalled head", script=lambda head, _body: [_half(head), End.SILENT])
STALLED_BODY = Fault("stalled body", script=lambda head, body: [head, _half(body), End.SILENT])
DRIPPED_BODY = dripping(0.02)
DRIPPED_HEAD = dripping_head(0.02)
NOT_HTTP = Fault("not HTTP", script=lambda _head, _body: [b"\x15\x03\x01\x00\x02\x02\x46\r\n\r\n", End.CLOSED])
UNREACHABLE = unreachable(partial(time.sleep, 0.2))

TRUNCATED = Fault("truncated JSON", reply=_is_truncated)
EMPTY = Fault("empty body", reply=_is_empty)
HTML = Fault("HTML", reply=_is_html)
OTHER_TYPE = Fault("other content type", reply=_is_of_another_type)
GZIP_CUT = cut_gzip("gzip cut", lambda length: length // 2)
GZIP_WITHOUT_TRAILER = cut_gzip("gzip without trailer", lambda length: length - 8)

DUPLICATE_PAGE = Fault("duplicate page", query=_without_cursor)
REPEATED_CURSOR = Fault("repeated cursor", reply=_with_json(_with_its_cursor))
MORE_WITHOUT_ROWS = Fault("more without rows", reply=_with_json(_more_without_rows))
ROW_WITHOUT_ID = Fault("row without id", reply=_with_json(_without_an_id))

PASSING: tuple[Fault, ...] = (
    *(limited(reason) for reason in RATE_LIMITS),
    LOCK_TIMEOUT,
    CONFLICT,
    *(refused(status) for status in (500, 502, 503, 504)),
    refused(503, headers={"Retry-After": "1"}),
    RETRY_AT_ONCE,
    TOLD_TO_RETRY,
    RESET,
    RESET_IN_BODY,
    CLOSED,
    CLOSED_IN_HEAD,
    CLOSED_IN_BODY,
    CLOSED_IN_CHUNKS,
    NOT_HTTP,
    UNREACHABLE,
    TRUNCATED,
    EMPTY,
    HTML,
    OTHER_TYPE,
    GZIP_CUT,
    GZIP_WITHOUT_TRAILER,
)
"""Faults that the next try may be spared."""

SLOW: tuple[Fault, ...] = (STALLED_HEAD, STALLED_BODY, DRIPPED_HEAD, DRIPPED_BODY)
"""Such that end when the client's patience does."""
