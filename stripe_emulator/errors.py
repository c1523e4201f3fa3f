"""Stripe's refusals, in Stripe's words."""

from collections.abc import Sequence

from stripe_emulator.facts import Json

SUPPORT = "Please see https://stripe.com/docs or we can help at https://support.stripe.com/."


class StripeError(Exception):
    """An answer other than 200: HTTP status, and the `error` hash's type, code, message and param."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        kind: str = "invalid_request_error",
    ) -> None:
        super().__init__(message)
        self.status, self.message, self.code, self.param, self.kind = status, message, code, param, kind

    def body(self, request_id: str, now: int) -> Json:
        """The JSON of the answer. Fields that say nothing are left out, as Stripe does."""
        error = {
            "code": self.code,
            "doc_url": f"https://stripe.com/docs/error-codes/{self.code.replace('_', '-')}" if self.code else None,
            "message": self.message,
            "param": self.param,
            "request_log_url": f"https://dashboard.stripe.com/test/logs/{request_id}?t={now}",
            "type": self.kind,
        }
        return {"error": {name: value for name, value in error.items() if value is not None}}


def unrecognized_url(method: str, path: str) -> StripeError:
    return StripeError(404, f"Unrecognized request URL ({method}: {path}). {SUPPORT}")


def missing_key() -> StripeError:
    return StripeError(
        401,
        "You did not provide an API key. You need to provide your API key in the Authorization header, using Bearer "
        "auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY'). See https://stripe.com/docs/api#authentication for "
        "details, or we can help at https://support.stripe.com/.",
    )


def invalid_key(key: str) -> StripeError:
    return StripeError(401, f"Invalid API Key provided: {masked(key)}")


def expired_key(key: str) -> StripeError:
    return StripeError(401, f"Expired API Key provided: {masked(key)}", code="api_key_expired")


def publishable_key() -> StripeError:
    return StripeError(
        401,
        "This API call cannot be made with a publishable API key. Please use a secret API key. You can find a list of "
        "your API keys at https://dashboard.stripe.com/account/apikeys.",
        code="secret_key_required",
    )


def masked(key: str) -> str:
    """A key as Stripe shows it: its kind and its last four characters."""
    kind = "_".join(key.split("_")[:2]) + "_" if key.count("_") > 1 else ""
    return kind + "*" * max(len(key) - len(kind) - 4, 0) + key[-4:]


def missing_permission(key: str, account: str, permission: str) -> StripeError:
    return StripeError(
        403,
        f"The provided key '{masked(key)}' does not have the required permissions for this endpoint on account "
        f"'{account}'. Having the '{permission}' permission would allow this request to continue.",
    )


def account_invalid(key: str, account: str) -> StripeError:
    return StripeError(
        403,
        f"The provided key '{masked(key)}' does not have access to account '{account}' (or that account does not "
        "exist). Application access may have been revoked.",
        code="account_invalid",
    )


def account_deleted(account: str, status: int) -> StripeError:
    return StripeError(status, f"The account {account} has been deleted, so we can't complete this action.")


def platform_required() -> StripeError:
    return StripeError(
        403,
        "Only Stripe Connect platforms can work with other accounts. If you specified a client_id parameter, make sure "
        "it's correct. If you need to setup a Stripe Connect platform, you can do so at "
        "https://dashboard.stripe.com/account/applications/settings.",
        code="platform_account_required",
    )


def both_contexts() -> StripeError:
    return StripeError(400, "You may only specify one of these headers: Stripe-Account, Stripe-Context.")


def missing_context() -> StripeError:
    return StripeError(
        400,
        "Please include the Stripe-Context header with your target account when using an Organization API key.",
    )


def missing_version_of_organization() -> StripeError:
    return StripeError(400, "Please include the Stripe-Version header when using an Organization API key.")


def invalid_version(version: str) -> StripeError:
    return StripeError(400, f"Invalid Stripe API version: {version}")


def missing_version() -> StripeError:
    return StripeError(400, "You must provide a Stripe-Version header when you call the v2 API.")


def unknown_parameters(names: Sequence[str]) -> StripeError:
    plural = "s" if len(names) > 1 else ""
    return StripeError(
        400, f"Received unknown parameter{plural}: {', '.join(names)}", code="parameter_unknown", param=names[0]
    )


def missing_parameter(name: str) -> StripeError:
    return StripeError(400, f"Missing required param: {name}.", code="parameter_missing", param=name)


def empty_parameter(name: str) -> StripeError:
    return StripeError(
        400,
        f"You passed an empty string for '{name}'. We assume empty values are an attempt to unset a parameter; however "
        f"'{name}' cannot be unset. You should remove '{name}' from your request or supply a non-empty value.",
        code="parameter_invalid_empty",
        param=name,
    )


def invalid_integer(name: str, value: str) -> StripeError:
    return StripeError(400, f"Invalid integer: {value}", code="parameter_invalid_integer", param=name)


def invalid_value(name: str, message: str) -> StripeError:
    return StripeError(400, message, param=name)


def limit_out_of_range(limit: int) -> StripeError:
    bound = "greater than or equal to 1" if limit < 1 else "less than or equal to 100"
    return StripeError(400, f"This value must be {bound}.", code="parameter_invalid_integer", param="limit")


def both_cursors() -> StripeError:
    return StripeError(
        400,
        "You may only specify one of these parameters: starting_after, ending_before.",
        code="parameters_exclusive",
        param="starting_after",
    )


def rate_limited() -> StripeError:
    return StripeError(
        429,
        "Request rate limit exceeded. Learn more about rate limits here https://stripe.com/docs/rate-limits.",
        code="rate_limit",
    )


def no_such(kind: str, object_id: str, *, status: int, param: str) -> StripeError:
    return StripeError(status, f"No such {kind}: '{object_id}'", code="resource_missing", param=param)


def not_expandable(path: str) -> StripeError:
    return StripeError(400, f"This property cannot be expanded ({path}).", param="expand")


def expanded_too_deep(path: str) -> StripeError:
    return StripeError(400, f"You cannot expand more than 4 levels of a property: {path}.", param="expand")
