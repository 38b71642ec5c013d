"""Python's cyclic collector, out of the way while a large tree is built."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collector_paused() -> Iterator[None]:
    """Pause automatic collection. A tree of many small objects makes no garbage while it grows, but each
    collection walks all of it: without the pause half of the parsing time is spent there."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
