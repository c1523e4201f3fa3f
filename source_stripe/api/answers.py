"""What Stripe said: an answer, or a refusal. Plain data."""

from __future__ import annotations

import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import orjson

from source_stripe.process.masking import masked


@dataclass(frozen=True)
class Answer:
    """A 2xx answer: its decoded body, and Stripe's clock (Unix seconds) when it gave it."""

    body: Mapping[str, Any]
    date: int


@dataclass(frozen=True)
class Refusal:
    """Stripe's error object (https://docs.stripe.com/api/errors), with the answer's status, id and date."""

    status: int
    request_id: str = ""
    date: int = 0
    type: str = ""
    code: str = ""
    param: str = ""
    message: str = ""
    retry_after: float = 0.0

    @classmethod
    def of(cls, status: int, headers: Mapping[str, str], body: Any, *, wait_header: str = "") -> Refusal:
        """Read an error body; whatever is missing or is no error object stays empty.

        `wait_header` is the header that may ask for a pause.
        """
        error = body.get("error") if isinstance(body, Mapping) else None
        if not isinstance(error, Mapping):
            error = {"message": error}
        texts = {name: str(error[name]) for name in ("type", "code", "param", "message") if error.get(name)}
        if 300 <= status < 400:
            texts["message"] = f"a redirect to {_origin(headers.get('Location', ''))}"
        elif body is None:
            texts["message"] = "the answer is no whole JSON object"
        texts["request_id"] = headers.get("Request-Id", "")
        retry_after = headers.get(wait_header, "")
        return cls(
            status=status,
            date=stripe_time(headers),
            retry_after=float(retry_after) if retry_after.isdecimal() else 0.0,
            # Whatever answers may repeat what we sent.
            **{name: masked(text) for name, text in texts.items()},
        )

    @classmethod
    def silence(cls, error: Exception, host: str = "") -> Refusal:
        """No answer at all, from `host`. Of the error only its kind is kept, as its text may hold what we sent: but for
        that of a certificate, which says what is wrong with it.
        """
        *_, innermost = causes(error)
        said = f"no answer{f' from {host}' if host else ''}: {type(innermost).__name__}"
        if isinstance(innermost, ssl.SSLCertVerificationError):
            said += f", {getattr(innermost, 'verify_message', 'unknown')}"
        return cls(status=0, message=said)

    def __str__(self) -> str:
        facts = [
            f"HTTP {self.status}" if self.status else "",
            self.type,
            self.code,
            f"param {self.param}" if self.param else "",
            self.request_id,
        ]
        told = ", ".join(filter(None, facts))
        return (self.message or "no message") + (f" ({told})" if told else "")


def causes(error: BaseException) -> list[BaseException]:
    """An exception and those that it wraps, as requests and urllib3 do: outermost first."""
    found = [error]
    for one in found:
        wrapped = (*one.args, getattr(one, "reason", None), getattr(one, "original_error", None), one.__cause__)
        found.extend(each for each in wrapped if isinstance(each, BaseException) and each not in found)
    return found


def decode(content: bytes) -> Mapping[str, Any] | None:
    """The JSON object that an answer holds, or None where it holds none."""
    try:
        body = orjson.loads(content)
    except orjson.JSONDecodeError:
        return None
    return body if isinstance(body, dict) else None


def _origin(location: str) -> str:
    """Where a redirect leads. Its path and query may say anything, and what we sent."""
    try:
        parts = urlsplit(location)
    except ValueError:
        return "no valid address"
    return f"{parts.scheme}://{parts.hostname}" if parts.hostname else "the same host"


def host_and_port(url: str) -> str:
    """Whom an address leads to, without who asks; nothing where it is no address."""
    try:
        parts = urlsplit(url if "//" in url else f"//{url}")
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        return ""
    return f"{parts.hostname}:{port}" if parts.hostname else ""


def stripe_time(headers: Mapping[str, str]) -> int:
    """The `Date` header in Unix seconds; our own clock where it is missing."""
    try:
        return int(parsedate_to_datetime(headers["Date"]).timestamp())
    except (KeyError, ValueError):
        return int(time.time())
