"""What replies to a request mean: one table. A row says which replies it has, what is done, and what the user reads.

Sources: https://docs.stripe.com/error-low-level, and stripe-python's `_http_client`, which obeys `Stripe-Should-Retry`
and else asks again after 409, 5xx and broken connections.
"""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Mapping

from airbyte_cdk.models import FailureType
from requests.exceptions import InvalidSchema, InvalidURL, MissingSchema, ProxyError
from urllib3.exceptions import LocationValueError

from source_stripe.api.errors import CURSOR_GONE, NO_PLATFORM, Outcome, Policy
from source_stripe.api.replies import AnswersWith, Either, IdWithoutAddress, Silence
from source_stripe.catalog.config import KEYS_PAGE

_REFUSED = {400, 401, 403, 404}
_UNKNOWN = "Unrecognized request URL"
_NO_PLATFORM = re.compile("Only Stripe Connect platforms can work with other accounts")

_TABLE = (
    # What passes, by itself or as Stripe says. Stripe-Should-Retry comes before all that statuses mean.
    Policy(
        name="rate limit",
        replies=AnswersWith(limited=True),
        outcome=Outcome.RETRY,
        failure=FailureType.transient_error,
        what="Stripe limited GET {path} for too long",
        todo="Something else uses up the account's rate limits: lower call_rate_limit, or sync at another time. "
        "Nothing read so far is lost.",
        why="HTTP {limited}: too many requests, of this connector and of all others of the account together. The "
        "connector slows down at once; this message comes when even that did not help.",
    ),
    Policy(
        name="retry asked for",
        replies=AnswersWith(range(300, 600), should_retry="true"),
        outcome=Outcome.RETRY,
        failure=FailureType.transient_error,
        what="Stripe put GET {path} off for too long",
        todo="Sync again later; nothing read so far is lost.",
        why="Any other answer with the header `Stripe-Should-Retry: true`.",
    ),
    Policy(
        name="no retry wanted",
        replies=AnswersWith(passing=True, should_retry="false"),
        outcome=Outcome.REFUSED,
        failure=FailureType.transient_error,
        what="Stripe can't answer GET {path}, and says that asking again won't help",
        todo="Sync again later; if it stays, tell Stripe's support the request ID. Nothing read so far is lost.",
        why="HTTP {passing} with the header `Stripe-Should-Retry: false`.",
    ),
    Policy(
        name="trouble at Stripe",
        replies=AnswersWith(passing=True),
        outcome=Outcome.RETRY,
        failure=FailureType.transient_error,
        what="Stripe could not answer GET {path} for too long",
        todo="Sync again later (https://status.stripe.com says how Stripe is doing); nothing read so far is lost.",
        why="HTTP {passing}: passing trouble at Stripe, or of a proxy on the way.",
    ),
    Policy(
        name="broken answer",
        replies=Either(
            AnswersWith(range(200, 300), is_json=False), AnswersWith(range(400, 500), is_json=False, has_id=True)
        ),
        outcome=Outcome.RETRY,
        failure=FailureType.transient_error,
        what="Answers to GET {path} came cut, or not as JSON, for too long",
        todo="Sync again later; if it stays, check api_url and the proxy on the way. Nothing read so far is lost.",
        why="HTTP 200, or 4xx with Stripe's `Request-Id`, with a body that breaks off or is HTML: a connection that "
        "breaks, or a proxy that answers itself.",
    ),
    Policy(
        name="error in place of an answer",
        replies=AnswersWith(range(200, 300), is_error=True),
        outcome=Outcome.RETRY,
        failure=FailureType.transient_error,
        what="GET {path} was answered with HTTP 200 and an error for too long",
        todo="Sync again later; if it stays, check api_url and the proxy on the way. Nothing read so far is lost.",
        why="HTTP 200 with an error object and nothing else: Stripe says errors by other statuses, so this is trouble "
        "of what stands between, or of another server.",
    ),
    # What does not pass.
    Policy(
        name="redirect",
        replies=AnswersWith(range(300, 400)),
        outcome=Outcome.REFUSED,
        failure=FailureType.config_error,
        what="GET {path} was answered with a redirect, which is never followed, as the key would go along",
        todo="Leave api_url empty, or correct it, and check the proxy on the way: Stripe's API redirects nowhere.",
        why="HTTP 3xx: what answers is not Stripe's API, but a proxy's login page, say, or the web server at a wrong "
        "`api_url`.",
    ),
    Policy(
        name="not Stripe",
        replies=AnswersWith(range(400, 500), is_json=False),
        outcome=Outcome.REFUSED,
        failure=FailureType.config_error,
        what="What answers GET {path} is not Stripe's API",
        todo="Leave api_url empty, or correct it, and check the proxy on the way.",
        why="HTTP 4xx without the JSON that Stripe's API answers with: a proxy or firewall blocks the request, or "
        "`api_url` leads elsewhere.",
    ),
    Policy(
        name="IP address not allowed",
        replies=AnswersWith({400, 401, 403}, says=re.compile("does not allow requests from your IP address")),
        outcome=Outcome.KEY_REFUSED,
        failure=FailureType.config_error,
        what="The {key} may not be used from here",
        todo=f"Let the key be used from the IP addresses that this connector runs at, or create one without such a "
        f"restriction: {KEYS_PAGE}.",
        why="The key was restricted to some IP addresses at Stripe, and this is none of them.",
    ),
    Policy(
        name="Connect permissions missing",
        replies=AnswersWith({400, 401, 403}, says=re.compile("does not have any Connect permissions")),
        outcome=Outcome.KEY_REFUSED,
        failure=FailureType.config_error,
        what="The {key} may not read connected accounts",
        todo=f"Give the key Connect permissions at {KEYS_PAGE}: they stand beside its permissions.",
        why="`account_id` or `connected_accounts` asks for a connected account, and the restricted key has permissions "
        "for its own account only.",
    ),
    Policy(
        name=NO_PLATFORM,
        replies=Either(
            AnswersWith(_REFUSED, codes={"platform_account_required"}, for_account=True),
            AnswersWith(_REFUSED, says=_NO_PLATFORM, for_account=True),
        ),
        outcome=Outcome.KEY_REFUSED,
        failure=FailureType.config_error,
        what="The {key} reads no account but its own, which is no Connect platform, and the config asks for another",
        todo="Leave account_id and connected_accounts empty, or use a key of the platform that it is connected to.",
        why="Code `platform_account_required`: `account_id` or `connected_accounts` is set, and the key's own account "
        "is no Connect platform.",
    ),
    Policy(
        name="account closed",
        replies=AnswersWith(
            {400, 401, 403, 404},
            says=re.compile(
                r"([Tt]he account '?acct_\w+'?|[Yy]our( Stripe)? account) (has been|was|is) (deleted|closed)"
            ),
        ),
        outcome=Outcome.KEY_REFUSED,
        failure=FailureType.config_error,
        what="The account that the {key} is for is closed",
        todo="Delete the connection, or give it the key or account_id of an account that there is.",
        why="Stripe says of the account that it was deleted or closed: nothing of it can be read any more.",
    ),
    Policy(
        name="key expired",
        replies=AnswersWith({401}, codes={"api_key_expired", "platform_api_key_expired"}),
        outcome=Outcome.KEY_REFUSED,
        failure=FailureType.config_error,
        what="The {key} has expired",
        todo=f"Create a new one at {KEYS_PAGE} and put it into client_secret.",
        why="HTTP 401 with code `api_key_expired` or `platform_api_key_expired`: the key has come to its end, perhaps "
        "while a sync ran.",
    ),
    Policy(
        name="key refused",
        replies=AnswersWith({401}),
        outcome=Outcome.KEY_REFUSED,
        failure=FailureType.config_error,
        what="Stripe does not accept the {key}",
        todo=f"Copy the key again from {KEYS_PAGE}, or create a new one, and put it into client_secret.",
        why="HTTP 401: the key is mistyped or cut, or is one of another Stripe environment.",
    ),
    Policy(
        name="account refused",
        replies=Either(
            AnswersWith(range(400, 500), codes={"account_invalid"}),
            AnswersWith({400, 401, 403, 404}, says=re.compile(r"does not have access to account '?acct_\w+")),
        ),
        outcome=Outcome.KEY_REFUSED,
        failure=FailureType.config_error,
        what="The {key} has no access to the account that GET {path} is about",
        todo="Correct account_id, or leave it empty to read the account that owns the key; a connected account may "
        "have to be connected again.",
        why="Code `account_invalid`, or such a message: `account_id` names an account that doesn't exist, that isn't "
        "connected to the key's platform, or that has taken its access back. With `connected_accounts` it is left out, "
        "with a WARN.",
    ),
    Policy(
        name="not for restricted keys",
        replies=Either(
            AnswersWith({400, 403}, codes={"secret_key_required"}),
            AnswersWith({400, 403}, says=re.compile("not available for use by restricted keys")),
        ),
        outcome=Outcome.REFUSED,
        failure=FailureType.config_error,
        what="A restricted key can't read {path}",
        todo="Use a secret key, or leave the stream out.",
        why="Stripe has no permission for what the stream lists, so that a restricted key can't be given one.",
    ),
    Policy(
        name="permission missing",
        replies=Either(
            AnswersWith({403}, codes={"more_permissions_required", "more_permissions_required_for_application"}),
            AnswersWith({403}, says=re.compile(r"[Pp]ermission|\brak_")),
        ),
        outcome=Outcome.PERMISSION_MISSING,
        failure=FailureType.config_error,
        what="The {key} may not read {path}",
        todo=f"Give the key {{permission}} at {KEYS_PAGE}, or leave the stream out.",
        why="HTTP 403 with a message about permissions: a restricted key lacks one, for what the stream lists or for "
        "what is expanded in its rows. The other streams go on.",
    ),
    Policy(
        name="nothing at this address",
        replies=AnswersWith({400, 404}, says=re.compile(rf"{_UNKNOWN} \(\w+: (?!/v[12]/(?!v[12]/))")),
        outcome=Outcome.KEY_REFUSED,
        failure=FailureType.config_error,
        what="The server at api_url has no GET {path}",
        todo="Leave api_url empty, or correct it: it ends before /v1.",
        why="`api_url` has a path that Stripe's API does not know; or what answers there knows nothing of what every "
        "account has.",
    ),
    Policy(
        name="product not enabled",
        replies=AnswersWith(
            {400, 403, 404},
            says=re.compile(
                r"not set up to use"
                r"|Have you onboarded to"
                r"|only available in testmode"
                r"|isn't available in test mode"
                r"|Accounts v2 is not enabled"
                r"|API surface is not enabled"
                r"|not authorized to send Forwarding requests"
                rf"|{_UNKNOWN}"
                rf"|{_NO_PLATFORM.pattern}"
            ),
        ),
        outcome=Outcome.NOT_ENABLED,
        failure=FailureType.config_error,
        what="The account does not have what {path} lists",
        todo="Leave the stream out, or turn the product on at Stripe.",
        why="HTTP 400, 403 or 404 in one of the ways in which Stripe says that an account does not use a product "
        "(Issuing, Treasury, Connect...), or that the API has no such list for it. No failure: a WARN line says it.",
    ),
    Policy(
        name="access refused",
        replies=AnswersWith({403}),
        outcome=Outcome.REFUSED,
        failure=FailureType.config_error,
        what="Stripe does not allow GET {path}",
        todo="Do what Stripe says, or ask its support; or leave the stream out.",
        why="HTTP 403 with any other message: about the account, perhaps, or about where the request came from. It is "
        "no permission that a key lacks.",
    ),
    Policy(
        name=CURSOR_GONE,
        replies=Either(
            AnswersWith({400, 404}, codes={"resource_missing"}, of_cursor=True),
            AnswersWith({400, 404}, codes={"resource_missing"}, params={"ending_before"}),
        ),
        outcome=Outcome.REFUSED,
        failure=FailureType.transient_error,
        what="The rows behind which the list {path} goes on were deleted while it was read",
        todo="Sync again; nothing read so far is lost.",
        why="Code `resource_missing` for the parameter `{cursor_param}`, with each row of a page. Without any of them "
        "Stripe does not say what comes next, and going on would skip rows.",
    ),
    Policy(
        name="object gone",
        replies=Either(
            AnswersWith({400, 404}, codes={"resource_missing"}),
            AnswersWith({404}, codes={""}, says=re.compile(r"^(No such [\w .]+|Invalid [\w .]+ id): ")),
        ),
        outcome=Outcome.RESOURCE_MISSING,
        failure=FailureType.transient_error,
        what="The object that GET {path} is about is gone",
        todo="Sync again; nothing read so far is lost.",
        why="Code `resource_missing`, or HTTP 404 without a code where the message names an object that is not there. "
        "An object that was asked for becomes a tombstone, or its children are passed over, without this message. "
        "The stream fails with it only where a whole list is gone.",
    ),
    Policy(
        name="request refused",
        replies=AnswersWith(),
        outcome=Outcome.REFUSED,
        failure=FailureType.system_error,
        what="Stripe refused GET {path}",
        todo="Sync again; if it stays, report it with this message. The stream's state is as it was before.",
        why="Any other answer: Stripe no longer takes a parameter, an expansion or the API version, say.",
    ),
    # No answer at all.
    Policy(
        name="certificate not trusted",
        replies=Silence((ssl.SSLCertVerificationError,)),
        outcome=Outcome.REFUSED,
        failure=FailureType.config_error,
        what="The server that answers GET {path} does not prove to be Stripe, so the {key} was not sent",
        todo="Where a proxy opens TLS connections, set REQUESTS_CA_BUNDLE to a file with its CA certificate; else "
        "check api_url and this machine's clock.",
        why="The certificate is signed by nobody that the connector trusts, has expired, or is another host's.",
    ),
    Policy(
        name="no CA certificates",
        replies=Silence((OSError,), re.compile(r"TLS CA certificate bundle|\[X509\b|CERTIFICATE_OR_CRL")),
        outcome=Outcome.REFUSED,
        failure=FailureType.config_error,
        what="The CA certificates for GET {path} can't be read",
        todo="Set REQUESTS_CA_BUNDLE (or CURL_CA_BUNDLE) to a readable file with certificates, or unset it.",
        why="The environment variable names a file that does not exist or holds no certificates.",
    ),
    Policy(
        name="proxy refuses",
        replies=Silence((OSError,), re.compile(r"Tunnel connection failed: 4\d\d")),
        outcome=Outcome.REFUSED,
        failure=FailureType.config_error,
        what="The proxy does not let GET {path} through",
        todo="Check HTTPS_PROXY, its user name and password, and whether the proxy allows api.stripe.com; or list the "
        "host in NO_PROXY.",
        why="The proxy that the environment names answered `CONNECT` with 4xx: 407 for wrong credentials, 403 for a "
        "host that it blocks.",
    ),
    Policy(
        name="proxy down",
        replies=Silence((ProxyError,)),
        outcome=Outcome.RETRY,
        failure=FailureType.transient_error,
        what="The proxy for GET {path} could not be reached for too long",
        todo="Check HTTPS_PROXY and the proxy, then sync again; nothing read so far is lost.",
        why="The proxy that the environment names does not answer, or can't reach Stripe.",
    ),
    Policy(
        name="id without address",
        replies=Silence((IdWithoutAddress,)),
        outcome=Outcome.REFUSED,
        failure=FailureType.system_error,
        what="GET {path} can't be sent for an object whose id is empty, or only a dot or two",
        todo="Give the object another id, if what belongs to it matters.",
        why="In an address `.` and `..` lead elsewhere. The object is found in its list; what belongs to it is not.",
    ),
    Policy(
        name="unusable address",
        replies=Silence((InvalidURL, InvalidSchema, MissingSchema, LocationValueError)),
        outcome=Outcome.REFUSED,
        failure=FailureType.config_error,
        what="GET {path} could not be sent",
        todo="Check api_url and the proxy that HTTPS_PROXY or HTTP_PROXY names: one of them is no usable address.",
        why="The address of the API or of the proxy can't be used, or asks for a kind of proxy that isn't supported "
        "(SOCKS).",
    ),
    Policy(
        name="name not found",
        replies=Silence((socket.gaierror,)),
        outcome=Outcome.RETRY,
        failure=FailureType.transient_error,
        what="The host of GET {path} could not be found for too long",
        todo="Check api_url and this machine's DNS, then sync again; nothing read so far is lost.",
        why="The name server does not know the host of `api_url`, or does not answer.",
    ),
    Policy(
        name="TLS failed",
        replies=Silence((ssl.SSLError,)),
        outcome=Outcome.RETRY,
        failure=FailureType.transient_error,
        what="No secure connection came about for GET {path} for too long",
        todo="Check api_url and the firewall or proxy on the way, then sync again; nothing read so far is lost.",
        why="The TLS handshake broke off: a connection that breaks, a firewall, or an `api_url` that does not speak "
        "TLS.",
    ),
    Policy(
        name="no answer",
        replies=Silence(),
        outcome=Outcome.RETRY,
        failure=FailureType.transient_error,
        what="No answer came to GET {path} for too long",
        todo="Check the network on the way to Stripe, then sync again; nothing read so far is lost.",
        why="The connection is refused, times out or is reset.",
    ),
)

TABLE: Mapping[str, Policy] = {policy.name: policy for policy in _TABLE}
"""All policies by name, in order: the first that has the reply counts."""
