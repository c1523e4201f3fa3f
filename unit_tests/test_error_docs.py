"""docs/errors.md is what tools/generate_error_docs.py makes of the code, and leaves no message out."""

from __future__ import annotations

import ast
import inspect
import pkgutil
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from airbyte_cdk.utils.traced_exception import AirbyteTracedException

import source_stripe
from source_stripe import entrypoint, run
from source_stripe.api.policies import TABLE
from source_stripe.catalog import config, expanding
from source_stripe.catalog.config import ConfigError, parse_config
from source_stripe.catalog.filtering import filtered
from source_stripe.catalog.manifest import Manifest
from source_stripe.process import ending, output
from tools.bad_configs import BAD_CONFIGS, BAD_EXPANSIONS, BAD_FILTERS
from tools.generate_docs import ROOT
from tools.generate_error_docs import CONNECTOR, main, malformations, page
from unit_tests.conftest import KEY

PAGE = page()
SAID_OF_FILTERS = (
    "there is no stream charge. Did you mean charges?",
    "charges.amount is no parameter of Stripe's list. charges has: created, customer, payment_intent.",
    "balance_transactions.payout is no filter. A row does not say its payout",
    "customers.currency is no filter. Stripe's list of customers has no parameter for it",
    "invoices.status can't be 'payed'. Did you mean paid? It is one of: draft, open, paid, uncollectible, void.",
    "products.active is true or false, not 'yes'.",
    "payouts.arrival_date is a range",
    "payouts.arrival_date leaves nothing",
    "invoices: Stripe does not take customer and customer_account together.",
)


def refusal(filters: Mapping[str, Any]) -> str:
    with pytest.raises(ConfigError) as refused:
        filtered(Manifest.load().rows, filters)
    return str(refused.value)


def calls(module: ModuleType, name: str) -> set[int]:
    """The lines on which a module calls a function."""
    tree = ast.walk(ast.parse(inspect.getsource(module)))
    return {
        node.lineno
        for node in tree
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name
    }


def test_the_page_is_up_to_date() -> None:
    assert main(["--check"]) == 0


def test_check_says_what_is_not_right_and_leaves_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    copy = tmp_path / "errors.md"
    assert main(["--check", "--page", str(copy)]) == 1
    assert not copy.exists()
    assert main(["--page", str(copy)]) == 0
    assert copy.read_text("utf-8") == PAGE
    assert capsys.readouterr().out.splitlines() == ["errors.md: missing", "errors.md: missing"]


def test_every_row_of_the_table_has_its_heading() -> None:
    headings = [line.removeprefix("### ").lower() for line in PAGE.splitlines() if line.startswith("### ")]
    assert headings == [name.lower() for name in TABLE]


def test_every_sentence_about_a_config_is_provoked(monkeypatch: pytest.MonkeyPatch) -> None:
    said: set[int] = set()
    wrong = config._wrong

    def noted(what: str) -> Exception:
        frame = inspect.currentframe()
        assert frame is not None
        assert frame.f_back is not None
        said.add(frame.f_back.f_lineno)
        return wrong(what)

    monkeypatch.setattr(config, "_wrong", noted)
    for _, bad in BAD_CONFIGS:
        with pytest.raises(ConfigError):
            parse_config({"client_secret": KEY, **bad})

    assert len(said) == len(calls(config, "_wrong"))
    kinds = [kind for kind in config._NOT_SECRET_KEYS.values() if kind not in " ".join(PAGE.replace("> ", "").split())]
    assert kinds == []


def test_every_sentence_about_expansions_is_provoked() -> None:
    problems = ast.walk(ast.parse(inspect.getsource(expanding._problems)))

    assert len(BAD_EXPANSIONS) == sum(isinstance(node, ast.Yield) for node in problems)


def test_every_sentence_about_filters_is_provoked() -> None:
    said = [refusal(filters) for _, filters in BAD_FILTERS]

    assert len(set(said)) == len(said)
    assert all(any(part in each for each in said) for part in SAID_OF_FILTERS)


def test_whatever_can_be_wrong_with_a_page_is_listed() -> None:
    assert "a row has no id" in malformations()
    assert all(f"- {what}\n" in PAGE for what in malformations())


def test_what_the_entry_point_says_is_there() -> None:
    code = "".join(map(inspect.getsource, (run, entrypoint, output, ending)))

    assert [beginning for beginning in CONNECTOR if beginning not in code] == []


def test_no_kind_of_failure_is_left_out() -> None:
    for module in pkgutil.walk_packages(source_stripe.__path__, "source_stripe."):
        import_module(module.name)

    def below(kind: type[Exception]) -> set[str]:
        own = {each for each in kind.__subclasses__() if each.__module__.startswith("source_stripe.")}
        return {each.__name__ for each in own}.union(*map(below, own))

    assert below(AirbyteTracedException) == {
        "InputError",
        "MalformedObject",
        "MalformedPage",
        "NameUnknown",
        "NoPlatform",
        "ObjectsRefused",
        "OtherData",
        "StateError",
        "StreamFailure",
        "StripeError",
        "TooManyRefused",
    }


def test_the_page_is_linked_to() -> None:
    assert "(errors.md)" in (ROOT / "docs" / "README.md").read_text("utf-8")
    assert "(docs/errors.md)" in (ROOT / "README.md").read_text("utf-8")
