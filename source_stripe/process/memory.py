"""Memory: how glibc shares it out to threads."""

from __future__ import annotations

import ctypes

_M_ARENA_MAX = -8
"""<malloc.h>, glibc 2.10 and later."""
_HEAPS = 2


def share_heaps() -> None:
    """Before any thread starts: let all of them use two heaps, where glibc would make up to eight for each core.

    Each keeps what its threads once needed at most: with 64 workers that comes to more than what is in use. Threads
    rarely allocate at the same time, as they take turns anyway. Other C libraries do well without.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError):
        return
    mallopt(_M_ARENA_MAX, _HEAPS)
