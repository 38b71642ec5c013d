"""Secrets are given by reference, never by value: `env:NAME`, `file:/absolute/path`, `block:NAME`."""

from __future__ import annotations

import re

ALLOWED = "env:NAME, file:/absolute/path or block:NAME"
_REFERENCE = re.compile(
    r"(?:env:[A-Za-z_][A-Za-z0-9_]{0,254}|file:/[^\0\n\ud800-\udfff]{1,4095}|block:[a-z0-9][a-z0-9/_-]{0,254})"
)


def is_reference(text: str) -> bool:
    """Whether the text has the form of a reference."""
    return _REFERENCE.fullmatch(text) is not None
