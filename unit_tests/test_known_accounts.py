"""Keys of accounts, and the parts into which they fall."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from source_stripe.accounts.known import WIDTH, ambiguous, cut, key_of, letters_of, number_of, part_of

ids = st.from_regex(r"acct_[A-Za-z0-9]{1,24}", fullmatch=True)


@given(st.integers(0, 2**54 - 1))
def test_letters_and_numbers_are_the_same(number: int) -> None:
    assert number_of(letters_of(number, WIDTH)) == number


@given(ids, st.integers(1, 9_999))
def test_an_account_is_in_one_part(account: str, parts: int) -> None:
    key = key_of(account)
    assert len(key) == WIDTH
    assert 1 <= part_of(key, parts) <= parts


def test_a_key_stays_what_it_is() -> None:
    """States hold keys, and connections share the accounts by them."""
    assert key_of("acct_1032D82eZvKYlo2C") == "EGMZo4NmW"
    assert part_of(key_of("acct_1032D82eZvKYlo2C"), 8) == 7


def test_parts_are_about_even() -> None:
    sizes = Counter(part_of(key_of(f"acct_{number}"), 8) for number in range(8_000))
    assert sizes.keys() == set(range(1, 9))
    assert max(sizes.values()) - min(sizes.values()) < 200


def test_only_keys_that_two_accounts_have_are_ambiguous() -> None:
    assert ambiguous(["a", "b", "a", "c", "a"]) == {"a"}


@given(st.lists(ids, unique=True))
def test_keys_that_were_put_together_come_apart(accounts: list[str]) -> None:
    keys = sorted(map(key_of, accounts))
    assert list(cut("".join(keys), WIDTH)) == keys
