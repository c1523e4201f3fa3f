"""The known accounts of a stream in two texts, as its state has them: their keys, sorted, and the codes of open rows.

A key and a code take 14 bytes, so that memory hardly goes by the number of accounts. See docs/design/accounts.md,
"Threads". Pure.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator

from source_stripe.accounts import known, open_codes


class PackedCodes:
    """By the key of each known account the code of its open rows. Not thread-safe."""

    def __init__(self, pairs: Iterable[tuple[str, str]] = ()) -> None:
        self._keys, self._codes = bytearray(), bytearray()
        for key, code in sorted(dict(pairs).items()):
            self._keys += key.encode()
            self._codes += code.encode()

    @property
    def keys(self) -> str:
        """The keys, sorted."""
        return self._keys.decode()

    @property
    def codes(self) -> str:
        """The codes, in the order of the keys."""
        return self._codes.decode()

    def pairs(self) -> Iterator[tuple[str, str]]:
        """Each key with its code, in the order of the keys."""
        return zip(self, known.cut(self.codes, open_codes.WIDTH), strict=True)

    def __len__(self) -> int:
        return len(self._keys) // known.WIDTH

    def __iter__(self) -> Iterator[str]:
        return known.cut(self.keys, known.WIDTH)

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and self.get(key) is not None

    def get(self, key: str) -> str | None:
        place, there = self._find(key)
        return self._codes[_code(place)].decode() if there else None

    def pop(self, key: str) -> str | None:
        """Forget an account; its code, or None if it is not known."""
        place, there = self._find(key)
        if not there:
            return None
        code = self._codes[_code(place)].decode()
        del self._keys[_key(place)], self._codes[_code(place)]
        return code

    def __setitem__(self, key: str, code: str) -> None:
        place, there = self._find(key)
        end = place + there
        self._keys[place * known.WIDTH : end * known.WIDTH] = key.encode()
        self._codes[place * open_codes.WIDTH : end * open_codes.WIDTH] = code.encode()

    def _find(self, key: str) -> tuple[int, bool]:
        """Where a key is, or would be; and whether it is there."""
        letters = bytearray(key.encode())
        place = bisect_left(range(len(self)), letters, key=lambda at: self._keys[_key(at)])
        return place, self._keys[_key(place)] == letters


def _key(place: int) -> slice:
    return slice(place * known.WIDTH, (place + 1) * known.WIDTH)


def _code(place: int) -> slice:
    return slice(place * open_codes.WIDTH, (place + 1) * open_codes.WIDTH)
