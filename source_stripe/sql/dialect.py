"""The SQL that is understood: DuckDB's, with names in backticks too, as DataDistillr and MySQL write them."""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp
from sqlglot.dialects.duckdb import DuckDB
from sqlglot.errors import SqlglotError
from sqlglot.tokenizer_core import Token, TokenType

from source_stripe.sql.errors import QueryError


class StripeSql(DuckDB):
    """DuckDB's dialect, and backticks."""

    class Tokenizer(DuckDB.Tokenizer):
        IDENTIFIERS = ['"', "`"]  # noqa: RUF012 - as sqlglot's own classes say it


def tokens_of(text: str) -> Sequence[Token]:
    """The tokens of a text. Raises QueryError."""
    try:
        return StripeSql().tokenize(text)
    except SqlglotError as error:
        raise QueryError(f"This is no SQL: {_reason(error)}") from None


def statements_in(text: str) -> list[str]:
    """The statements of a text, without the semicolons between them. Raises QueryError."""
    found, start, last = [], None, 0
    for token in tokens_of(text):
        if token.token_type == TokenType.SEMICOLON:
            if start is not None:
                found.append(text[start:last])
            start = None
            continue
        start = token.start if start is None else start
        last = token.end + 1
    if start is not None:
        found.append(text[start:last])
    return found


def is_finished(text: str) -> bool:
    """Whether a text ends with a semicolon outside of strings and comments."""
    try:
        tokens = tokens_of(text)
    except QueryError:
        return False
    return bool(tokens) and tokens[-1].token_type == TokenType.SEMICOLON


def parsed(text: str) -> exp.Expr:
    """A statement. Raises QueryError."""
    try:
        trees = StripeSql().parse(text)
    except SqlglotError as error:
        raise QueryError(f"This is no SQL: {_reason(error)}") from None
    if len(trees) != 1 or not isinstance(trees[0], exp.Expr):
        raise QueryError("Ask one question at a time.")
    return trees[0]


def sql_of(tree: exp.Expr) -> str:
    """The text of a simple expression."""
    return str(tree.sql(dialect=StripeSql))


def quoted(text: str, mark: str = '"') -> str:
    """A name, or a text with its own quotation marks, as DuckDB reads it, whatever is in it."""
    return mark + text.replace(mark, mark * 2) + mark


def _reason(error: SqlglotError) -> str:
    problems = getattr(error, "errors", None)
    if problems:
        first = problems[0]
        return f"{first['description']} Line {first['line']}, column {first['col']}, at {first['highlight']!r}."
    return str(error).splitlines()[0]
