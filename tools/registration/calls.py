"""One call to an Airbyte instance: signed, made again where that helps, and its failure in a sentence."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

import httpx
import requests
from airbyte_api import AirbyteAPI, models
from airbyte_api import errors as client_errors
from pydantic import ValidationError

from tools.registration.failures import MISUSED, AirbyteError, RegistrationError, refusal

_TRIES = 3
"""How often a call is made that may be made again."""

_PAUSE = 2.0
"""Seconds between them."""

PAGE = 100
"""Rows of a list that Airbyte answers at once, at most."""

_PASSING = frozenset({429, 500, 502, 503, 504})

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Credentials:
    """An application's, of Settings > Applications in Airbyte."""

    client_id: str
    client_secret: str


class Calls:
    """An instance, and the token for it."""

    def __init__(self, url: str, credentials: Credentials, *, timeout: float, learned: Callable[[str], None]) -> None:
        """`learned` is told each token: it must not be printed."""
        self.url = url
        self._credentials = credentials
        self._timeout = timeout
        self._learned = learned
        self._token = ""
        self._session = requests.Session()
        # Neither follows a redirect: the key would go wherever that leads.
        self.client = AirbyteAPI(
            security=lambda: models.Security(bearer_auth=self._token),
            server_url=f"{url}/api/public/v1",
            client=httpx.Client(follow_redirects=False, timeout=timeout),
            timeout_ms=int(timeout * 1000),
        )

    def sign_in(self) -> None:
        """Get a token."""
        body = {
            "client_id": self._credentials.client_id,
            "client_secret": self._credentials.client_secret,
            "grant-type": "client_credentials",
        }
        place = "POST /api/public/v1/applications/token"
        answer = self.again("Signing in", place, lambda: self.send(place, json=body))
        token = answer.get("access_token") if isinstance(answer, dict) else None
        if not isinstance(token, str) or not token:
            raise RegistrationError(f"Signing in failed: {self.url} answers without a token. Is Airbyte there?")
        self._token = token
        self._learned(token)

    def pages(self, what: str, place: str, page: Callable[[int], list[Answer]]) -> Iterator[Answer]:
        offset = 0
        while True:
            rows = self.again(what, place, lambda start=offset: page(start))  # type: ignore[misc]
            yield from rows
            offset += len(rows)
            if len(rows) < PAGE:
                return

    def again(self, what: str, place: str, call: Callable[[], Answer]) -> Answer:
        """A call that may be made again: it reads, or what it writes is the same the second time."""
        for _ in range(_TRIES - 1):
            try:
                return self.once(what, place, call)
            except AirbyteError as error:
                if error.status is not None and error.status not in _PASSING:
                    raise
            time.sleep(_PAUSE)
        return self.once(what, place, call)

    def once(self, what: str, place: str, call: Callable[[], Answer]) -> Answer:
        """A call. Tokens last for minutes: one that was refused is replaced once."""
        had_token = bool(self._token)
        try:
            return self._told(what, place, call)
        except AirbyteError as error:
            if error.status != 401 or not had_token:
                raise
        self._token = ""
        self.sign_in()
        return self._told(what, place, call)

    def _told(self, what: str, place: str, call: Callable[[], Answer]) -> Answer:
        try:
            return call()
        except _RefusedError as error:
            raise refusal(what, place, error.status, error.body) from None
        except client_errors.ResponseValidationError as error:
            raise self._unclear(what, place, error.cause) from None
        except client_errors.AirbyteAPIError as error:
            # Its text may quote what was sent.
            raise refusal(what, place, error.status_code, error.body) from None
        except (requests.Timeout, httpx.TimeoutException):
            text = f"{what} failed: Airbyte did not answer within {self._timeout:g} seconds ({place})."
            raise AirbyteError(
                f"{text} It may have been done: run this again, it goes on from what is there."
            ) from None
        except (requests.ConnectionError, httpx.TransportError) as error:
            text = f"{what} failed: {self.url} can't be reached ({_reason(error)})."
            raise AirbyteError(f"{text} Is that where Airbyte runs (--airbyte-url)?") from None
        except (requests.RequestException, httpx.HTTPError, ValueError, KeyError, TypeError) as error:
            raise self._unclear(what, place, error) from None

    def _unclear(self, what: str, place: str, error: BaseException | None) -> AirbyteError:
        """The error for an answer of another form. It names fields and no values, as those may be secret."""
        fields = (
            [".".join(map(str, each["loc"])) for each in error.errors()] if isinstance(error, ValidationError) else []
        )
        about = ", ".join(fields[:3]) or type(error).__name__
        text = f"{what} failed: the answer can't be understood ({place}: {about})."
        return AirbyteError(f"{text} Is {self.url} an Airbyte, and one of version 1 or later?")

    def send(self, place: str, **content: Any) -> Any:
        method, path = place.split()
        answer = self._session.request(
            method,
            f"{self.url}{path}",
            timeout=self._timeout,
            allow_redirects=False,
            # A function, as a netrc file would win over a header.
            auth=self._signed,
            **content,
        )
        if answer.status_code >= 300:
            raise _RefusedError(answer.status_code, answer.text)
        return answer.json()

    def _signed(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self._token:
            request.headers["Authorization"] = f"Bearer {self._token}"
        return request


class _RefusedError(Exception):
    def __init__(self, status: int, body: str) -> None:
        super().__init__(status)
        self.status, self.body = status, body


def _reason(error: Exception) -> str:
    """The last words of a chain of errors of connections."""
    while error.__context__ is not None and isinstance(error.__context__, Exception):
        error = error.__context__
    return str(error).rpartition("] ")[2] or type(error).__name__


def instance(url: str) -> str:
    """The address of an instance, of what users give for it.

    Raises RegistrationError if there can be none.
    """
    plain = url.rstrip("/").removesuffix("/api/public/v1").removesuffix("/api/v1").removesuffix("/api").rstrip("/")
    if not plain.startswith(("http://", "https://")):
        raise RegistrationError(f"--airbyte-url {url!r} is no address: it begins with http:// or https://.", MISUSED)
    if plain.partition("://")[2].partition("/")[0] in ("api.airbyte.com", "cloud.airbyte.com"):
        raise RegistrationError("Airbyte Cloud takes no images: this needs an Airbyte that you run yourself.", MISUSED)
    return plain
