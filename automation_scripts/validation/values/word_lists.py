"""Lists of words as data (`word_lists.yaml`): which keys name a secret, which capabilities take the host..."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import yaml

_FILE = Path(__file__).parent / "word_lists.yaml"


def words(name: str) -> frozenset[str]:
    """The words of one list.

    Raises:
        KeyError: when there is no list of this name.
    """
    return _lists()[name]


@lru_cache(maxsize=1)
def _lists() -> dict[str, frozenset[str]]:
    raw = yaml.load(_FILE.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    return {name: frozenset(text.split()) for name, text in raw.items()}
