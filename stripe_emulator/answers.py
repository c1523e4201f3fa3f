"""What the API answers to a GET: lists, objects by id, and the account's own singletons."""

import base64
import hashlib
import hmac
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode

import orjson

from stripe_emulator import (
    bulk,
    errors,
    events,
    factory,
    facts,
    filters,
    finding,
    legacy,
    pages,
    parameters,
    rendering,
    routes,
)
from stripe_emulator.facts import Endpoint, Json
from stripe_emulator.parameters import Parameters
from stripe_emulator.rendering import Tree
from stripe_emulator.routes import Match
from stripe_emulator.store import Position, Resource

if TYPE_CHECKING:
    from stripe_emulator.emulator import StripeEmulator

_PAGE_SECRET = b"page tokens of the emulator"


def answer(emulator: "StripeEmulator", match: Match, path: str, query: str) -> bytes:
    """The JSON that an endpoint answers. Raises StripeError for what Stripe refuses."""
    endpoint = match.endpoint
    params = parameters.read(query, endpoint)
    if endpoint.path in emulator.bulk:
        return bulk.answer(emulator.bulk[endpoint.path], match, params, path)
    _check_required_any(endpoint, params)
    if endpoint.path in _NOT_SERVED or endpoint.pages == "search":
        raise errors.StripeError(400, f"{endpoint.path} is not available to this account.")
    if endpoint.pages is not None:
        return _list(emulator, match, params, path, query)
    expand = _expansion(endpoint, params)
    if endpoint.path in finding.FINDERS:
        return _json(finding.find(endpoint.path, params.filters, emulator.store), emulator, expand)
    if endpoint.objects == ("account",) and match.arguments in ((), (emulator.account["id"],)):
        return orjson.dumps(_own(emulator, expand))
    return _json(_one(emulator, match, params), emulator, expand)


def _list(emulator: "StripeEmulator", match: Match, params: Parameters, path: str, query: str) -> bytes:
    endpoint = match.endpoint
    expand = _expansion(endpoint, params)
    parent = _parent(emulator, match)
    if endpoint.path == "/v1/events" and emulator.refuses_unknown_types:
        filters.check_names_of_types(params.filters)
    selection = filters.selection(endpoint, parent, params.filters, emulator.store, emulator.clock.now())
    if endpoint.pages == "v2":
        return _v2_list(emulator, selection, params, expand, path, query)
    after = _cursor(emulator, match, "starting_after", params.starting_after)
    before = _cursor(emulator, match, "ending_before", params.ending_before)
    limit = params.limit if endpoint.pages == "cursor" else 1 << 30
    page = pages.page(selection, limit, after=after, before=before)
    return pages.list_json((_json(resource, emulator, expand) for resource in page.rows), page.has_more, path)


def _json(resource: Resource, emulator: "StripeEmulator", expand: Tree) -> bytes:
    if expand and not resource.deleted:
        return orjson.dumps(rendering.document(resource, emulator.store, expand))
    return resource.rendered or rendering.rendered(resource, emulator.store)


def _expansion(endpoint: Endpoint, params: Parameters) -> Tree:
    """What to show beyond the usual: `expand[]` in v1, `include` in v2."""
    if endpoint.is_v2:
        return rendering.tree(params.filters.get("include", ()))
    return rendering.check_paths(params.expand, endpoint.objects, in_list=endpoint.pages is not None)


def _v2_list(
    emulator: "StripeEmulator", selection: pages.Selection, params: Parameters, expand: Tree, path: str, query: str
) -> bytes:
    others = [(name, value) for name, value in parse_qsl(query, keep_blank_values=True) if name != "page"]
    after = before = None
    if params.page is not None:
        forward, position = _read_token(params.page, path, others)
        after, before = (position, None) if forward else (None, position)
    page = pages.page(selection, params.limit, after=after, before=before)

    def url(forward: bool, resource: Resource) -> str:
        return f"{path}?{urlencode([*others, ('page', _token(forward, resource.position, path, others))])}"

    has_next = page.has_more if before is None else True
    has_previous = after is not None or (before is not None and page.has_more)
    links = {
        "next_page_url": url(True, page.rows[-1]) if page.rows and has_next else None,
        "previous_page_url": url(False, page.rows[0]) if page.rows and has_previous else None,
    }
    rows = [rendering.fragment(resource, emulator.store, expand) for resource in page.rows]
    return orjson.dumps({"data": rows, **links})


def _token(forward: bool, position: Position, path: str, others: list[tuple[str, str]]) -> str:
    """A page token: good for the same list with the same parameters only."""
    place = orjson.dumps([forward, *position])
    signed = hmac.new(_PAGE_SECRET, place + orjson.dumps([path, sorted(others)]), hashlib.sha256).digest()[:9]
    return base64.urlsafe_b64encode(signed + place).decode()


def _read_token(token: str, path: str, others: list[tuple[str, str]]) -> tuple[bool, Position]:
    try:
        forward, at, number = orjson.loads(base64.urlsafe_b64decode(token.encode())[9:])
        position = (int(at), int(number))
        if hmac.compare_digest(token, _token(bool(forward), position, path, others)):
            return bool(forward), position
    except (ValueError, TypeError):
        pass
    raise errors.invalid_value("page", "Invalid page token. Follow next_page_url as it was given.")


def _cursor(emulator: "StripeEmulator", match: Match, name: str, object_id: str | None) -> Position | None:
    """The place in a list of the object that a cursor parameter names."""
    if object_id is None:
        return None
    kinds = match.endpoint.objects
    resource = _find(emulator, match, object_id)
    if resource is None or resource.kind not in kinds or not _is_readable(emulator, resource):
        raise errors.no_such(kinds[0], object_id, status=400, param=name)
    return resource.position


def _one(emulator: "StripeEmulator", match: Match, params: Parameters) -> Resource:
    """The object of a GET: by the id that ends its path, or the only one that its parent has."""
    endpoint = match.endpoint
    parent = _parent(emulator, match)
    if not endpoint.path.endswith("}"):
        filters.check_references(endpoint, params.filters, emulator.store)
        return _only(emulator, endpoint, parent or params.filters.get("customer"))
    resource = _find(emulator, match, match.arguments[-1])
    if resource is not None and resource.deleted and resource.kind not in _TOMBSTONES:
        resource = None
    if resource is not None and resource.kind in legacy.KINDS and "payment_method" in endpoint.objects:
        return legacy.payment_method(resource)
    if resource is None or resource.kind not in endpoint.objects or not _is_readable(emulator, resource):
        raise errors.no_such(endpoint.objects[0], match.arguments[-1], status=404, param=endpoint.names[-1])
    return resource


def _find(emulator: "StripeEmulator", match: Match, object_id: str) -> Resource | None:
    """The object of an id; below a parent only if it is the parent's."""
    store, endpoint = emulator.store, match.endpoint
    if "capability" in endpoint.objects:
        return store.get(f"{match.arguments[0]}/{object_id}")
    resource = store.get(object_id)
    above = None if endpoint.pages else routes.find(endpoint.path.rpartition("/")[0])
    nested = facts.nested().get(above.endpoint.path if above else endpoint.path)
    if resource is None or nested is None:
        return resource
    if nested.slot:
        return resource if (resource.owner, resource.slot) == (match.arguments[0], nested.slot) else None
    return resource if not nested.by or resource.fields.get(nested.by) == match.arguments[0] else None


def _is_readable(emulator: "StripeEmulator", resource: Resource) -> bool:
    if resource.kind in events.KINDS:
        return resource.at >= emulator.clock.now() - events.RETENTION
    return not resource.deleted or facts.kind(resource.kind).deletable


def _own(emulator: "StripeEmulator", expand: Tree) -> Json:
    """The account itself. It has a list of external accounts if it has any."""
    resource = Resource("account", emulator.account["id"], emulator.account, 0, 0)
    shown = rendering.document(resource, emulator.store, expand)
    return shown if shown["external_accounts"]["data"] else {**emulator.account}


def _only(emulator: "StripeEmulator", endpoint: Endpoint, parent: str | None) -> Resource:
    """An object without an id, as the account or a parent has one: what was created, else one with nothing in it."""
    kind = endpoint.objects[0]
    key = f"{parent}/{kind}" if parent else kind
    found = emulator.store.get(key)
    if found is not None:
        return found
    given = {"customer": parent} if parent and kind in ("cash_balance", "billing.credit_balance_summary") else {}
    fields = factory.make(kind, given, object_id=None, created=int(emulator.account["created"]))
    return Resource(kind, key, fields, 0, 0, parent)


def _parent(emulator: "StripeEmulator", match: Match) -> str | None:
    """The id of the parent that a path names. Raises StripeError 404 if there is none."""
    endpoint = match.endpoint
    by_id = endpoint.pages is None and endpoint.path.endswith("}")
    arguments = match.arguments[:-1] if by_id else match.arguments
    if not arguments:
        return None
    kind = _parent_kind(match)
    if arguments[0] != emulator.account["id"]:
        resource = emulator.store.get(arguments[0])
        if resource is None or resource.deleted or resource.kind != kind:
            raise errors.no_such(kind, arguments[0], status=404, param=endpoint.names[0])
    return arguments[0]


def _parent_kind(match: Match) -> str:
    """The kind of object that the first placeholder of a path stands for."""
    segments = match.endpoint.path.split("/")
    first = next(index for index, segment in enumerate(segments) if segment.startswith("{"))
    owner = routes.find("/".join(segments[: first + 1]))
    if owner is None:
        raise LookupError(f"no endpoint for the parent of {match.endpoint.path}")
    return owner.endpoint.objects[0]


def _check_required_any(endpoint: Endpoint, params: Parameters) -> None:
    for name in _REQUIRED_ANY.get(endpoint.path, ()):
        if name in params.filters:
            return
    if endpoint.path in _REQUIRED_ANY:
        raise errors.missing_parameter(_REQUIRED_ANY[endpoint.path][0])


# What a GET answers of with `deleted: true` once it is gone: the types of no other say so.
_TOMBSTONES = {"customer", "terminal.configuration", "terminal.location", "terminal.reader"}
# The types call the customer optional, the API answers 400 without one.
_REQUIRED_ANY = {
    "/v1/billing/credit_balance_summary": ("customer", "customer_account"),
    "/v1/billing/credit_balance_transactions": ("customer", "customer_account"),
}
_NOT_SERVED = {"/v1/credit_notes/preview", "/v1/credit_notes/preview/lines"}
