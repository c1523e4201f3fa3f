"""The HTTP side: one route for the API, a few for who drives the emulator from outside."""

import time
from collections import Counter
from dataclasses import asdict

import orjson
from starlette.applications import Starlette
from starlette.requests import Request as HttpRequest
from starlette.responses import Response
from starlette.routing import Route

from stripe_emulator import answers, contexts, errors, facts, keys, parameters, rendering, routes
from stripe_emulator.emulator import Request, StripeEmulator
from stripe_emulator.errors import StripeError
from stripe_emulator.factory import object_id
from stripe_emulator.faults import Fault, Reply
from stripe_emulator.limits import Limits, Reason
from stripe_emulator.rendering import DanglingReferenceError
from stripe_emulator.wire import BrokenResponse


def application(emulator: StripeEmulator) -> Starlette:
    """The ASGI application of an emulator."""
    traffic = emulator.traffic

    async def api(request: HttpRequest) -> Response:
        path = request.scope["raw_path"].decode("ascii")
        match = routes.find(path) if request.method == "GET" else None
        account = contexts.named(request.headers)
        async with traffic.passing(match.endpoint.path if match else path, account) as reason:
            return _respond(emulator, request, match, path, reason)

    async def advance(request: HttpRequest) -> Response:
        emulator.pass_time(int((await request.json())["seconds"]))
        return _json({"now": emulator.clock.now()})

    async def live_on(_: HttpRequest) -> Response:
        if emulator.live_on is None:
            return _json({"error": "nothing happens on its own in this account"}, 404)
        with emulator.lock:
            emulator.live_on()
        return _json({"now": emulator.clock.now()})

    async def limits(request: HttpRequest) -> Response:
        try:
            traffic.limits = Limits(**await request.json())
        except TypeError as error:
            return _json({"error": str(error)}, 400)
        return _json(asdict(traffic.limits))

    async def requests(_: HttpRequest) -> Response:
        made = list(emulator.requests)
        endpoints = Counter(f"{one.method} {one.pattern}" for one in made)
        statuses = Counter(str(one.status) for one in made)
        return _json({"total": len(made), "by_endpoint": dict(sorted(endpoints.items())), "by_status": dict(statuses)})

    async def cpu(_: HttpRequest) -> Response:
        return _json({"seconds": time.process_time()})

    methods = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"]
    return Starlette(
        routes=[
            Route("/_emulator/advance", advance, methods=["POST"]),
            Route("/_emulator/live_on", live_on, methods=["POST"]),
            Route("/_emulator/cpu", cpu),
            Route("/_emulator/limits", limits, methods=["POST"]),
            Route("/_emulator/requests", requests),
            Route("/{path:path}", api, methods=methods),
        ]
    )


def _respond(
    emulator: StripeEmulator, request: HttpRequest, match: routes.Match | None, path: str, limited: Reason | None
) -> Response:
    query = request.scope["query_string"].decode("ascii")
    params = parameters.flat(query)
    pattern, account = match.endpoint.path if match else path, contexts.named(request.headers)
    with emulator.lock:
        fault = emulator.faults.meet(pattern, path, params, account)
        fault.happens()
        reply = fault.reply(_reply(emulator, request, match, path, fault.query(query), limited, fault), query)
        emulator.requests.append(Request(request.method, path, params, reply.status, pattern, account))
    response = Response(reply.body, reply.status, reply.headers, reply.media_type)
    return response if fault.script is None else BrokenResponse(response, fault.script)


def _reply(
    emulator: StripeEmulator,
    request: HttpRequest,
    match: routes.Match | None,
    path: str,
    query: str,
    limited: Reason | None,
    fault: Fault,
) -> Reply:
    request_id = object_id("req", len(emulator.requests) + 1)
    version = request.headers.get("stripe-version") or emulator.default_version
    headers = {"Date": emulator.clock.http_date(), "Request-Id": request_id, "Stripe-Version": version}
    if limited is not None:
        headers["Stripe-Rate-Limited-Reason"] = limited
    try:
        if limited is not None:
            raise errors.rate_limited()
        if fault.refusal is not None:
            raise fault.refusal
        if match is None:
            raise errors.unrecognized_url(request.method, path)
        account = _admit(emulator, request, match, path)
        return Reply(200, headers, answers.answer(account, match, path, query))
    except StripeError as error:
        refusal = error
    except DanglingReferenceError as error:
        refusal = StripeError(500, f"emulator: {error}", kind="api_error")
    if refusal.status == 401:
        headers["WWW-Authenticate"] = 'Basic realm="Stripe"'
    return Reply(refusal.status, headers, orjson.dumps(refusal.body(request_id, emulator.clock.now())))


def _admit(emulator: StripeEmulator, request: HttpRequest, match: routes.Match, path: str) -> StripeEmulator:
    """Everything that Stripe checks before it looks at the query; returns the account that is asked.

    Raises StripeError.
    """
    endpoint, headers = match.endpoint, request.headers
    key = keys.authenticate(headers, emulator.keys)
    keys.check_version(headers.get("stripe-version"), endpoint)
    if endpoint.until and (headers.get("stripe-version") or emulator.default_version) > endpoint.until:
        raise errors.unrecognized_url(request.method, path)
    account = contexts.asked(emulator, headers, key, endpoint)
    name = str(account.account["id"])
    key = key if account is emulator or key.organization else key.of_connected()
    keys.check_permission(key, endpoint, name)
    query = parameters.flat(request.scope["query_string"].decode("ascii"))
    expanded = rendering.expanded_kinds(query.get("expand[]", ()), endpoint.objects, in_list=bool(endpoint.pages))
    keys.check_expansions(key, expanded, name)
    for product in (facts.products()[name] for name in sorted(account.disabled)):
        if path.startswith(tuple(f"{prefix}/" for prefix in product.paths)) or path in product.paths:
            raise StripeError(400, product.message.format(path=path))
    return account


def _json(content: object, status: int = 200) -> Response:
    return Response(orjson.dumps(content), status, media_type="application/json")
