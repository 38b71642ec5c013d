"""Values made fit to be stored: JSON and text that every database takes."""

from __future__ import annotations

import dataclasses
import json
import math
import re
from collections.abc import Mapping
from datetime import date, datetime
from enum import Enum
from typing import Any

# PostgreSQL stores neither NUL nor half a surrogate pair. A whole pair matches too and is cleaned to itself.
_SUSPECT = re.compile(r"\\u(?:0000|d[89a-f])", re.IGNORECASE)
_DEEPEST = 64


def clean_text(text: str) -> str:
    """`text` with NUL and lone surrogates (from undecodable file names) replaced by U+FFFD."""
    if text.isascii() and "\0" not in text:
        return text
    joined = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return joined.replace("\0", "\ufffd")


def to_json(value: Any) -> str:
    """Compact JSON of any value. NaN and infinities become null, unknown objects their `str()`.

    Never raises for what a caller puts into parameters or results: losing a run's record over one odd value
    would be worse than storing its text.
    """
    try:
        text = json.dumps(value, default=_plain, allow_nan=False, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError):
        text = ""
    if not text or _SUSPECT.search(text):
        text = json.dumps(_clean(value, 0), allow_nan=False, separators=(",", ":"))
    return text


def _clean(value: Any, depth: int) -> Any:
    if isinstance(value, Enum):
        return _clean(value.value, depth)
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, str):
        return clean_text(value)
    if depth >= _DEEPEST:  # a cycle, or a nesting that no reader could follow
        return "…"
    if isinstance(value, Mapping):
        return {clean_text(str(key)): _clean(item, depth + 1) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_clean(item, depth + 1) for item in value]
    return _clean(_plain(value), depth + 1)


def _plain(value: Any) -> Any:
    """One step from an object towards JSON."""
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, (set, frozenset)):
        return sorted(value, key=str)
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, (bytes, bytearray)):
        return bytes(value).decode("utf-8", "replace")
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json")
    return str(value)
