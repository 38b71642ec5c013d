"""What a YAML 1.2 reader says about a text. py-yaml12 answers all of yaml-test-suite right, but it must be
protected: it overflows its stack on deep nesting and expands aliases, so it only sees texts that are known to
be harmless."""

from __future__ import annotations

import re
from dataclasses import dataclass

_MAX_DEPTH = 100
_MAX_EXPANSION = 100_000
_MAX_CHARACTERS = 4_000_000
_MAX_ALIASES_UNREAD = 20
_VERDICT = "YAML parse error: "
_POSITION = re.compile(r" at byte \d+ line (\d+) column (\d+)$")
# Compact nesting ("- - a", "? ? b") and indentation bound how deep block collections can be.
_LEAD = re.compile(r"(?m)^(?:[ \t]|[-?:](?=[ \t\r\n])|[&!][^\s]*(?=[ \t]))+")
_ALIAS = re.compile(r"(?:^|[\s\[,{:])\*\S")


@dataclass(frozen=True, slots=True)
class Opinion:
    """A verdict; line and column are 1-based and 0 for a valid text."""

    valid: bool
    message: str = ""
    line: int = 0
    column: int = 0


def ask_yaml12(text: str, depth: int, expansion: int, *, complete: bool) -> Opinion | None:
    """The YAML 1.2 verdict, or None when asking would be dangerous or the answer says nothing about syntax.

    `depth` and `expansion` are what the event reader counted; with `complete` False it did not see the whole
    text, and the rest is bounded from the text alone.
    """
    if len(text) > _MAX_CHARACTERS or depth > _MAX_DEPTH or expansion > _MAX_EXPANSION:
        return None
    if not complete and (_deepest_lead(text) > _MAX_DEPTH or len(_ALIAS.findall(text)) > _MAX_ALIASES_UNREAD):
        return None
    from yaml12 import parse_yaml as parse_yaml12

    try:
        parse_yaml12(text, multi=True)
    except ValueError as error:
        words = str(error)
        found = _POSITION.search(words)
        if not words.startswith(_VERDICT) or found is None or "unknown anchor" in words:
            return None  # about a value or an anchor, which are reported elsewhere
        message = words[len(_VERDICT) : found.start()]
        return Opinion(False, message, int(found.group(1)), int(found.group(2)))
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException:
        # The library may fail on values that it cannot build, and a panic of its Rust code is no `Exception`. Neither
        # is a verdict on the syntax.
        return None
    return Opinion(True)


def _deepest_lead(text: str) -> int:
    """The widest run of indentation and block indicators at the beginning of a line, in characters."""
    return max((found.end() - found.start() for found in _LEAD.finditer(text)), default=0)
