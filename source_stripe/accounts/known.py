"""Known accounts: the short keys by which a state knows them, and the parts into which they fall. Pure.

See docs/design/accounts.md, "Keys".
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Iterable, Iterator
from hashlib import sha256

WIDTH = 9
"""Letters of a key, six bits each. See docs/design/accounts.md, "Keys"."""
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
"""Of base64url, by their value."""
_VALUES = {letter: value for value, letter in enumerate(LETTERS)}


def key_of(account_id: str) -> str:
    """What stands for an account in a state, and gives the order in which accounts are read."""
    return urlsafe_b64encode(sha256(account_id.encode()).digest())[:WIDTH].decode()


def part_of(key: str, parts: int) -> int:
    """Which of so many parts an account falls into, from 1 on."""
    return number_of(key) % parts + 1


def ambiguous(keys: Iterable[str]) -> frozenset[str]:
    """The keys that more than one account has."""
    seen: set[str] = set()
    twice: set[str] = set()
    for key in keys:
        (twice if key in seen else seen).add(key)
    return frozenset(twice)


def number_of(letters: str) -> int:
    """The number that letters stand for. Raises KeyError where they are none of base64url."""
    number = 0
    for letter in letters:
        number = number * len(LETTERS) + _VALUES[letter]
    return number


def letters_of(number: int, width: int) -> str:
    """The letters that stand for a number."""
    letters = ""
    for _ in range(width):
        number, value = divmod(number, len(LETTERS))
        letters = LETTERS[value] + letters
    return letters


def cut(text: str, width: int) -> Iterator[str]:
    """The pieces of a text, all of one width. Raises ValueError where one is shorter."""
    if len(text) % width:
        raise ValueError(f"{len(text)} letters are no pieces of {width}")
    return (text[place : place + width] for place in range(0, len(text), width))
