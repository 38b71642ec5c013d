"""Lists of words as data (`words.yaml`): which keys are expected to differ, which switches protect."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import yaml

_FILE = Path(__file__).parent / "words.yaml"


def listed(name: str) -> frozenset[str]:
    """The words of one list.

    Raises:
        KeyError: when there is no list of this name.
    """
    return _lists()[name]


def pairs_listed(name: str) -> tuple[frozenset[str], ...]:
    """The pairs of one list of `word-word`, each as the set of its words.

    Raises:
        KeyError: when there is no list of this name.
    """
    return tuple(frozenset(pair.split("-")) for pair in sorted(listed(name)))


@lru_cache(maxsize=1)
def _lists() -> dict[str, frozenset[str]]:
    raw = yaml.load(_FILE.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    return {name: frozenset(text.split()) for name, text in raw.items()}
