"""docs/errors.md is what tools/generate_error_docs.py makes of the code, and leaves no message out."""

from __future__ import annotations

import ast
import inspect
import pkgutil
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest
from airbyte_cdk.utils.traced_exception import AirbyteTracedException

import source_stripe
from source_stripe import entrypoint, run
from source_stripe.api.policies import TABLE
from source_stripe.catalog import config, expanding
from source_stripe.catalog.config import ConfigError, parse_config
from source_stripe.process import ending, output
from tools.bad_configs import BAD_CONFIGS
from tools.generate_docs import ROOT
from tools.generate_error_docs import BAD_EXPANSIONS, CONNECTOR, main, malformations, page
from unit_tests.conftest import KEY

PAGE = page()


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
