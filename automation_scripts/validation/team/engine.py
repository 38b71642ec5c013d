"""Which checks these are: a digest that changes with every change of the package, its data and what it is built on."""

from __future__ import annotations

import sys
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from automation_scripts.validation.team.cache_store import key_of

_VALIDATION = Path(__file__).resolve().parent.parent
_LIBRARIES = ("automation-scripts", "pyyaml", "py-yaml12", "jsonschema-rs", "cel-expr-python", "pydantic")


@lru_cache(maxsize=1)
def engine_digest() -> str:
    """The digest. Contents count and not times, so that a cache moves from one machine of a pipeline to the next."""
    parts: list[str | bytes] = [sys.version, sys.byteorder]
    for name in _LIBRARIES:
        try:
            parts.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            parts.append(name)
    # The modules beside the package: findings, errors, suggestions.
    files = [*_VALIDATION.parent.glob("*.py"), *(p for p in _VALIDATION.rglob("*") if p.suffix != ".pyc")]
    for path in sorted(files):
        if path.is_file():
            parts += [path.relative_to(_VALIDATION.parent).as_posix(), path.read_bytes()]
    return key_of(*parts)
