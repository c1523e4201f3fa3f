"""The connector's config: what a user may write, and the sentence that says what is wrong with it."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_core import PydanticCustomError

from source_stripe.catalog import by_stream
from source_stripe.catalog.guessing import did_you_mean

API_URL = "https://api.stripe.com"
MOST_WORKERS = 64
"""Requests under way at once, whatever the rate budget and the latency would need. See docs/design/threads.md,
"Threads"."""
_MOST_ACCEPTED = 100
"""Of workers: what Airbyte's own connector takes."""
KEYS_PAGE = "https://dashboard.stripe.com/apikeys"
_ACCOUNT_PAGE = "https://dashboard.stripe.com/settings/account"
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}:\d{2}(\.\d+)?Z)?")
_ADDRESS = re.compile(
    r"(?P<scheme>https?)://(?P<host>[\w.-]+|\[[\da-f:.]+\])(:(?P<port>\d{1,5}))?(/[\w.~/-]*)?", re.ASCII | re.IGNORECASE
)
"""Nothing in it that two readers of addresses could take for different hosts: no user, backslash, escape or space."""
_LAST_PORT = 65_535
"""Of TCP."""
_NOT_SECRET_KEYS = {
    "pk_": "a publishable key (pk_...), which can't read data",
    "whsec_": "a webhook signing secret (whsec_...), which can't read data",
    "ek_": "an ephemeral key (ek_...), which can't read data",
}
_ORGANIZATION = "sk_org_"
"""How the keys of organizations begin."""
_ACCOUNT = re.compile(r"acct_[A-Za-z0-9]+")
_CONTEXT = re.compile(r"acct_[A-Za-z0-9]+(/acct_[A-Za-z0-9]+)?")
"""An account, or one that is connected to another: as `Stripe-Context` names them."""
_PART = re.compile(r"([1-9]\d{0,3})/([1-9]\d{0,3})")

ConnectedAccounts = Literal["none", "all"] | tuple[str, ...]
"""Which accounts are read beside the key's own: all that are connected to it, or these."""


class ConfigError(ValueError):
    """The config can't be used. The text says of each wrong value what is wrong, and where to find the right one."""


@dataclass(frozen=True)
class Part:
    """One of several connections that share the accounts: the `number`th `of` so many."""

    number: int = 1
    of: int = 1

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"


class Config(BaseModel):
    """A usable config. Made by `parse_config`; its keys are those of Airbyte's own connector, plus `api_url`."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    client_secret: SecretStr
    account_id: str | None = None
    start_date: int | None = None
    """Unix seconds; objects created before are left out."""
    lookback_window_days: int | None = None
    relist_days: int | None = None
    slice_range: int | None = None
    num_workers: int = MOST_WORKERS
    call_rate_limit: int | None = None
    """Requests a second."""
    api_url: str = API_URL
    expand: Mapping[str, tuple[str, ...]] = Field(default_factory=dict)
    """By stream, dotted paths in its rows that are expanded beside those of the manifest."""
    filters: Mapping[str, Mapping[str, Any]] = Field(default_factory=dict)
    """By stream and parameter of its list: a value, a list of values, or the bounds of a range."""
    connected_accounts: ConnectedAccounts = "none"
    part: Part = Part()
    rate_limit_per_account: bool = False
    """Whether each account has rate limits of its own, and there is none for all of them together."""
    notes: tuple[str, ...] = ()
    """What to tell the user of values that are fine, but not taken as they are."""

    @property
    def several(self) -> bool:
        """Whether more than one account may be read."""
        return self.connected_accounts != "none"

    @property
    def organization(self) -> bool:
        """Whether the key is an organization's: it reads what each request names."""
        return self.client_secret.get_secret_value().startswith(_ORGANIZATION)

    @property
    def live(self) -> bool:
        """Whether the key is a live one. Sandboxes and test mode share the prefixes with `_test_`."""
        return "_live_" in self.client_secret.get_secret_value()

    def said(self) -> Mapping[str, Any]:
        """The values that templates of the manifest are filled from, the key in plain text."""
        return {**self.model_dump(), "client_secret": self.client_secret.get_secret_value()}

    @property
    def key_kind(self) -> str:
        """What the key is: `live restricted key`, say."""
        kind = "restricted" if self.client_secret.get_secret_value().startswith("rk") else "secret"
        kind = "organization" if self.organization else kind
        return f"{'live' if self.live else 'test'} {kind} key"

    @field_validator("client_secret", mode="before")
    @classmethod
    def _secret_key(cls, key: Any) -> Any:
        if not isinstance(key, str) or not key:
            raise _wrong(f"is missing. Create a restricted key with read permissions at {KEYS_PAGE} and put it here.")
        if any(letter.isspace() for letter in key):
            raise _wrong(f"holds a space or a line break. Copy the key again from {KEYS_PAGE}, without any.")
        for prefix, kind in _NOT_SECRET_KEYS.items():
            if key.startswith(prefix):
                raise _wrong(f"is {kind}. Use a secret (sk_...) or restricted (rk_...) key from {KEYS_PAGE}.")
        if not re.fullmatch(r"(sk|rk|rkcs|sk_org)_(live|test)_[!-~]+", key):
            raise _wrong(
                "is not a Stripe key: those begin with sk_live_, sk_test_, rk_live_ or rk_test_. "
                f"Copy yours from {KEYS_PAGE}."
            )
        return key

    @field_validator("account_id", mode="before")
    @classmethod
    def _account_id(cls, account_id: Any) -> Any:
        if account_id in (None, ""):
            return None
        if not isinstance(account_id, str) or not _ACCOUNT.fullmatch(account_id):
            raise _wrong(
                f"must look like acct_1032D82eZvKYlo2C. Find yours at {_ACCOUNT_PAGE}, "
                "or leave it empty to read the account that owns the key."
            )
        return account_id

    @field_validator("start_date", mode="before")
    @classmethod
    def _start_date(cls, date: Any) -> Any:
        if date in (None, ""):
            return None
        moment = _utc_time(date)
        if moment is None:
            raise _wrong("must be a UTC time like 2017-01-25T00:00:00Z, or a day like 2017-01-25.")
        if moment > datetime.now(timezone.utc):
            raise _wrong("lies in the future: nothing would be read. Use the day from which on you want your data.")
        return int(moment.timestamp())

    @field_validator(
        "lookback_window_days", "relist_days", "slice_range", "num_workers", "call_rate_limit", mode="before"
    )
    @classmethod
    def _whole_number(cls, number: Any, info: Any) -> Any:
        if number is None:
            return MOST_WORKERS if info.field_name == "num_workers" else None
        least = 0 if info.field_name == "lookback_window_days" else 1
        most = _MOST_ACCEPTED if info.field_name == "num_workers" else None
        if isinstance(number, bool) or not isinstance(number, int) or number < least or (most and number > most):
            raise _wrong(f"must be a whole number, {f'{least} to {most}' if most else f'{least} or more'}.")
        return min(number, MOST_WORKERS) if info.field_name == "num_workers" else number

    @field_validator("expand", mode="before")
    @classmethod
    def _expand(cls, expand: Any) -> Any:
        try:
            return by_stream.paths(expand)
        except ValueError as problem:
            raise _wrong(
                'must be lines such as "charges.customer", or an object with a list of fields for each stream, such as '
                f'"charges": ["customer"]: {problem}.'
            ) from None

    @field_validator("filters", mode="before")
    @classmethod
    def _filters(cls, filters: Any) -> Any:
        try:
            return by_stream.filters(filters)
        except ValueError as problem:
            raise _wrong(
                'must be lines such as "charges.customer=cus_123", or an object with the parameters of each stream, as '
                f"docs/filters.md shows: {problem}."
            ) from None

    @field_validator("connected_accounts", mode="before")
    @classmethod
    def _connected_accounts(cls, wanted: Any) -> Any:
        named = re.split(r"[\s,]+", wanted.strip(" ,")) if isinstance(wanted, str) else wanted
        if not named or named in (["none"], [""]):
            return "none"
        if named == ["all"]:
            return "all"
        if not isinstance(named, list | tuple) or not all(isinstance(each, str) for each in named):
            raise _wrong('must be "none", "all", or a list of accounts such as acct_1032D82eZvKYlo2C.')
        if strange := [each for each in named if not _CONTEXT.fullmatch(each)]:
            raise _wrong(
                f'has {strange[0]!r}, which is no account. Use "none", "all", or accounts like acct_1032D82eZvKYlo2C.'
            )
        ids = [each.rpartition("/")[2] for each in named]
        if twice := next((each for each in ids if ids.count(each) > 1), None):
            raise _wrong(f"names the account {twice} twice. Leave one of them.")
        return tuple(named)

    @field_validator("part", mode="before")
    @classmethod
    def _part(cls, part: Any) -> Any:
        if part in (None, ""):
            return Part()
        found = _PART.fullmatch(part) if isinstance(part, str) else None
        if found is None or int(found[1]) > int(found[2]):
            raise _wrong(
                "must be the number of this connection and how many there are, such as 3/8 for the third of eight."
            )
        return Part(int(found[1]), int(found[2]))

    @field_validator("rate_limit_per_account", mode="before")
    @classmethod
    def _yes_or_no(cls, value: Any) -> Any:
        if value in (None, ""):
            return False
        if not isinstance(value, bool):
            raise _wrong("must be true or false.")
        return value

    @model_validator(mode="after")
    def _goes_together(self) -> Config:
        """Raises what is wrong about several values at once. Each sentence begins with the key that is to change."""
        listed = isinstance(self.connected_accounts, tuple)
        if self.organization and not listed:
            raise _wrong(
                "connected_accounts must list the accounts to read: the key is an organization's (sk_org_...), which "
                "reads no account by itself, and Stripe lists none for it."
            )
        if self.account_id is not None and self.several:
            raise _wrong("account_id must be empty where connected_accounts says which accounts are read.")
        if not self.organization and any("/" in each for each in self.connected_accounts if listed):
            raise _wrong(
                "connected_accounts must name accounts without a slash: those are for organization keys (sk_org_...)."
            )
        if self.part.of > 1 and not self.several:
            raise _wrong("part must be empty where connected_accounts is none: there is one account to read.")
        if self.rate_limit_per_account and not self.several:
            raise _wrong("rate_limit_per_account must be empty where connected_accounts is none: there is one account.")
        return self

    @field_validator("api_url", mode="before")
    @classmethod
    def _api_url(cls, url: Any) -> Any:
        if url in (None, ""):
            return API_URL
        address = _ADDRESS.fullmatch(url) if isinstance(url, str) else None
        if address is None or int(address["port"] or 0) > _LAST_PORT:
            raise _wrong(f"must be an address like {API_URL}.")
        if address["scheme"].lower() == "http" and not _is_loopback(address["host"].strip("[]")):
            raise _wrong(
                f"would send the secret key unencrypted to {address['host']}. "
                "Use https://; http:// is for loopback only."
            )
        return url.rstrip("/")


def parse_config(raw: Mapping[str, Any]) -> Config:
    """The config as typed values. Raises ConfigError with a sentence for each value that can't be used."""
    problems, others = [*_mistyped(raw)], []
    try:
        config = Config.model_validate({"client_secret": None, **raw, "notes": ()})
    except ValidationError as error:
        others = [" ".join([*map(str, each["loc"][:1]), each["msg"]]) for each in error.errors(include_input=False)]
    if problems or others:
        raise ConfigError("The config can't be used: " + " ".join([*problems, *others]))
    return config.model_copy(update={"notes": tuple(_notes(config, raw))})


def _mistyped(raw: Mapping[str, Any]) -> Iterator[str]:
    """A sentence for each key that is none, but much like one: what it was meant to say would not count."""
    for name in _unknown(raw):
        if meant := did_you_mean(name, Config.model_fields.keys() - {"notes"}):
            yield f"{name} is no key of the config.{meant}"


def _unknown(raw: Mapping[str, Any]) -> Iterator[str]:
    """The keys that are none. Those that begin with `__` are a platform's."""
    return (name for name in raw if name not in Config.model_fields and not name.startswith("__"))


def _notes(config: Config, raw: Mapping[str, Any]) -> Iterator[str]:
    if config.slice_range is not None:
        yield "slice_range is not used: ranges follow the data by themselves."
    for name in _unknown(raw):
        yield f"{name} is not used: it is no key of the config."
    if (raw.get("num_workers") or 0) > config.num_workers:
        yield f"num_workers is taken as {config.num_workers}: more requests under way at once bring nothing."


def _wrong(what: str) -> PydanticCustomError:
    """A problem as pydantic wants it. The sentence follows the key's name; braces would be read as placeholders."""
    return PydanticCustomError("config", what.replace("{", "(").replace("}", ")"))


def _utc_time(date: Any) -> datetime | None:
    if not isinstance(date, str) or not _DATE.fullmatch(date):
        return None
    try:
        return datetime.fromisoformat(date.split(".")[0].rstrip("Z")).replace(tzinfo=timezone.utc)
    except ValueError:
        return None


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"
