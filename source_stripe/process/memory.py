"""Memory: how glibc shares it out to threads."""

from __future__ import annotations

import ctypes

_M_ARENA_MAX = -8
"""<malloc.h>, glibc 2.10 and later."""
_HEAPS = 2
"""Heaps that all threads share. See docs/design/threads.md, "Memory"."""


def share_heaps() -> None:
    """Let all threads use two heaps, where glibc would make up to eight for each core. Call it before a thread starts.

    A heap keeps the most that its threads ever needed: with 64 workers that comes to more than what is in use. Threads
    of Python rarely allocate at the same time. With other C libraries this does nothing.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError):
        return
    mallopt(_M_ARENA_MAX, _HEAPS)
