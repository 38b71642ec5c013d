"""What a YAML 1.2 reader says about a text, where that may be another thing than what libyaml says.

py-yaml12 answers all of yaml-test-suite right, but it overflows its stack on deep nesting and expands aliases. So it is
called in this process only for a text whose depth and growth are bounded by what stands in it, whatever a reader makes
of it; any other text goes to the worker, which may die of it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from automation_scripts.validation.parsing.yaml_documents import BuiltDocument, Problem

# A collection in a block needs a column of its own (a list may share its key's), or an indicator in the same line. So
# twice this many levels are possible, and some 255 more in brackets, where py-yaml12 stops by itself. It was seen to
# overflow a stack of 512 KiB from 900 levels on, one of 8 MiB from 10,000 on.
# What counts here is compact nesting ("- - a", "? ? b") and indentation, with anchors and tags between.
_DEEP = re.compile(r"(?m)^(?:[ \t]|[-?:](?=[ \t\r\n])|[&!][^\s]*+(?=[ \t])){101}")
_MAX_EXPANSION = 100_000
_MAX_ALIASES_UNREAD = 20
MAX_CHARACTERS = 4_000_000
_VERDICT = "YAML parse error: "
# A tab after the ':' is a blank like any other (YAML 1.2.2, s-separate-in-line), but py-yaml12 0.2.0 refuses it.
_NOT_A_RULE = "':' must be followed by a valid YAML whitespace"
_POSITION = re.compile(r" at byte \d+ line (\d+) column (\d+)$")
_ALIAS = re.compile(r"(?:^|[\s\[,{:])\*\S")

# Where the two versions may differ about a text that libyaml reads, besides shallow lines in quotes and brackets.
_TAB_INDENT = re.compile(r"(?m)^[ ]*\t")
_GLUED_COMMENT = re.compile(r"#(?<=[\"'\]},|>+0-9-]#)")
_DASH_IN_BRACKETS = re.compile(r"[\s\[{,]-[,\[\]{}]")
_BLANK_FIRST = re.compile(r"[|>][-+0-9]*+[ \t]*+(?:#[^\n]*+)?\r?\n(?:\r?\n)*+[ ]++\r?\n")
_MARK_IN_TAG = re.compile(r"(?<![^\s\[{,])!(?:[\w-]*!)?[^\s!,\[\]{}]*!")


@dataclass(frozen=True, slots=True)
class Opinion:
    """A verdict; line and column are 1-based and 0 for a valid text."""

    valid: bool
    message: str = ""
    line: int = 0
    column: int = 0


def may_differ(text: str, documents: Sequence[BuiltDocument]) -> bool:
    """True when YAML 1.2 may reject what libyaml read. False is certain enough to save the second reading."""
    return (
        any(document.shallow for document in documents)
        or ("\t" in text and _TAB_INDENT.search(text) is not None)
        or ("\n%" in text or text.startswith("%"))
        or ("#" in text and _GLUED_COMMENT.search(text) is not None)
        or (("-," in text or "-]" in text or "-}" in text) and _DASH_IN_BRACKETS.search(text) is not None)
        or _BLANK_FIRST.search(text) is not None
        or ("!" in text and _MARK_IN_TAG.search(text) is not None)
    )


def is_harmless(text: str, documents: Sequence[BuiltDocument], problems: Sequence[Problem]) -> bool:
    """True when no reading of the text can be deep or grow much: then it may be read in this process."""
    if _DEEP.search(text) is not None:
        return False
    if problems:  # the rest of the text was not read, so only what stands in it bounds it
        return len(_ALIAS.findall(text)) <= _MAX_ALIASES_UNREAD
    return sum(document.expansion for document in documents) <= _MAX_EXPANSION


def ask_yaml12(text: str) -> Opinion | None:
    """The YAML 1.2 verdict on a text, or None when the answer says nothing about its syntax.

    May end the process or never come back, unless the text `is_harmless`.
    """
    from yaml12 import parse_yaml as parse_yaml12

    try:
        parse_yaml12(text, multi=True)
    except ValueError as error:
        words = str(error)
        found = _POSITION.search(words)
        if not words.startswith(_VERDICT) or found is None or "unknown anchor" in words:
            return None  # about a value or an anchor, which are reported elsewhere
        message = words[len(_VERDICT) : found.start()]
        if message.startswith(_NOT_A_RULE):
            return None
        return Opinion(False, message, int(found.group(1)), int(found.group(2)))
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException:
        # The library may fail on values that it cannot build, and a panic of its Rust code is no `Exception`. Neither
        # is a verdict on the syntax.
        return None
    return Opinion(True)
