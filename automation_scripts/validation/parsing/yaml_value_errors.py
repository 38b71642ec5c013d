"""Syntax errors inside one value: quotes, brackets, escapes, and characters that mean something in YAML."""

from __future__ import annotations

import re

from automation_scripts.validation.documents.tree import Node, Style
from automation_scripts.validation.input.text import LineIndex
from automation_scripts.validation.parsing.yaml_block_errors import tab
from automation_scripts.validation.parsing.yaml_documents import Problem
from automation_scripts.validation.parsing.yaml_error_places import Explanation, line_at, quoted, value_end, word_end

_CLOSING = {"[": "]", "{": "}"}
# Brackets and quotes as they follow one another, and what ends the search: a new document or a top-level key.
_BRACKETS = re.compile(r"(?m)'[^'\n]*'|\"[^\"\n]*\"|[\[\]{}]|^---(?=\s|$)|^\S[^\n]*:(?=\s)")
_KEY_LINE = re.compile(r"\n[ ]*(?:-[ ]+)?[A-Za-z_][\w.-]*:(?=[ \r\n])")
_TAG = re.compile(r"!\S*")
_RESERVED = {
    "@": "'@' is reserved in YAML and cannot begin a value",
    "`": "'`' is reserved in YAML and cannot begin a value",
}


def swallowing_quote(problem: Problem, at: int, index: LineIndex) -> Explanation | None:
    """A quote that was not closed ends at the next quote in the file, lines later, and the error shows
    there."""
    scalar = problem.suspect
    if scalar is not None and not _swallowed(scalar, at, index):
        scalar = None
    last = problem.last_scalar
    if scalar is None and last is not None and last.style in (Style.SINGLE, Style.DOUBLE):
        span = last.span
        scalar = last if span.line != span.end_line and 0 <= at - span.end <= 1 else None
    if scalar is None:
        return None
    span = scalar.span
    mark = "'" if scalar.style is Style.SINGLE else '"'
    return Explanation(
        span.start,
        span.start + 1,
        f"The text that {mark} opens here runs on to line {span.end_line}: its closing {mark} is probably missing on "
        f"line {span.line}.",
        f"Close the text with {mark} on line {span.line}, or double the quote if it is part of the text.",
    )


def _swallowed(scalar: Node, at: int, index: LineIndex) -> bool:
    """True when the quote that ends a text looks like one that begins a text, or the error follows right behind it."""
    before = index.text[scalar.span.end - 2]
    return before in " \t[{,=(\n" or index.position(at)[0] - scalar.span.end_line <= 1


def unclosed_quote(problem: Problem, at: int, index: LineIndex) -> Explanation | None:
    """A quote that nothing closes."""
    opened = problem.context_offset
    if opened is None or index.text[opened : opened + 1] not in ("'", '"'):
        return None
    mark = index.text[opened]
    line = line_at(opened, index)
    again = mark in line.text[opened - line.start + 1 :]
    return Explanation(
        opened,
        max(line.end, opened + 1),
        f"The text that {mark} opens here is never closed.",
        f"Write the closing {mark} at the end of the value.",
        () if again else ((line.end, line.end, mark),),
    )


def escape(problem: Problem, at: int, index: LineIndex) -> Explanation | None:
    """A backslash in double quotes that begins no escape sequence."""
    text = index.text
    found = text.find("\\", max(at - 2, 0), at + 2)
    if found < 0:
        return None
    opened = problem.context_offset
    if opened is not None and _KEY_LINE.search(text, opened, found):
        return unclosed_quote(problem, at, index)
    return Explanation(
        found,
        found + 2,
        f"{text[found : found + 2]!r} is no escape sequence of a double-quoted YAML text."
        if "unknown" in problem.message
        else "The escape sequence is not complete: hexadecimal digits are missing.",
        "Double the backslash, or use single quotes, where backslashes are ordinary.",
        ((found, found + 1, "\\\\"),),
    )


def no_token(problem: Problem, at: int, index: LineIndex) -> Explanation | None:
    """A character that cannot begin anything."""
    line = line_at(at, index)
    found = index.text[at : at + 1]
    if found == "\t":
        return tab(problem, at, index)
    if not found:
        return None
    end = max(line.start + value_end(line.text, at - line.start), at + 1)
    value = index.text[at:end]
    what = _RESERVED.get(found, f"{found!r} cannot begin a value")
    return Explanation(at, end, f"{what}.", f"Quote it: {quoted(value)}.", ((at, end, quoted(value)),))


def anchor_or_alias(problem: Problem, at: int, index: LineIndex) -> Explanation | None:
    """`*` or `&` before something that is no name: a glob, a shell operator."""
    begun = problem.context_offset
    if begun is None:
        return None
    line = line_at(begun, index)
    end = max(line.start + value_end(line.text, begun - line.start), begun + 1)
    value = index.text[begun:end]
    word = "an alias" if value[:1] == "*" else "an anchor"
    return Explanation(
        begun,
        end,
        f"{value[:1]!r} begins {word} in YAML, and {value.split(' ')[0]!r} is no valid name for one.",
        f"If it is plain text, quote it: {quoted(value)}.",
        ((begun, end, quoted(value)),) if not set("[]{},") & set(value) else (),
    )


def tag_handle(problem: Problem, at: int, index: LineIndex) -> Explanation:
    """`!name!x` without a %TAG line."""
    found = _TAG.match(index.text, at)
    handle = found.group() if found else "!"
    return Explanation(
        at,
        at + len(handle),
        f"The tag {handle!r} uses a shorthand that no %TAG line declares.",
        "Declare it with %TAG above '---', or quote the value if '!' belongs to it.",
    )


def flow(problem: Problem, at: int, index: LineIndex) -> Explanation | None:
    """Something is missing in `[...]` or `{...}`: the closing bracket when none follows, else a comma."""
    text = index.text
    opened = problem.context_offset
    if opened is None or text[opened : opened + 1] not in _CLOSING:
        return None
    bracket = text[opened]
    closing = _CLOSING[bracket]
    line, opened_line = line_at(at, index), line_at(opened, index)
    found = text[at : at + 1]
    if found in ("]", "}") and found != closing:
        return Explanation(
            at,
            at + 1,
            f"{found!r} does not close the {bracket!r} of line {opened_line.number}.",
            f"Write {closing!r} here, or check the brackets between.",
        )
    if (line.number == opened_line.number and found) or _closes(text, opened):
        return Explanation(
            at,
            max(word_end(text, at), at + 1),
            f"A ',' or {closing!r} is expected here, inside the {bracket!r} of line {opened_line.number}.",
            "Write a ',' between the items, or quote an item that contains special characters.",
        )
    return _never_closed(opened, at, index)


def _never_closed(opened: int, at: int, index: LineIndex) -> Explanation:
    text = index.text
    bracket, end = text[opened], line_at(opened, index).end
    closing = _CLOSING[bracket]
    # Where the value is complete on its line, the bracket belongs at the end of that line.
    complete = end > opened + 1 and not text[opened + 1 : end].rstrip().endswith(",")
    return Explanation(
        opened,
        opened + 1,
        f"The {bracket!r} opened here is never closed (noticed on line {index.position(at)[0]}).",
        f"Write {closing!r} where the value ends.",
        ((end, end, closing),) if complete else (),
    )


def _closes(text: str, opened: int) -> bool:
    """True when a bracket that closes the one at `opened` follows in the same document, quotes aside."""
    bracket = text[opened]
    closing = _CLOSING[bracket]
    depth = 0
    for found in _BRACKETS.finditer(text, opened):
        token = found.group()
        if token == bracket:
            depth += 1
        elif token == closing:
            depth -= 1
            if depth == 0:
                return True
        elif len(token) > 1 and token[0] not in "'\"":
            return False  # a new top-level key or document: the bracket was not meant to reach it
    return False


def node_content(problem: Problem, at: int, index: LineIndex) -> Explanation:
    """Something that is no value where a value is expected."""
    text = index.text
    found = text[at : at + 1]
    ends = not found or (text.startswith(("---", "..."), at) and index.position(at)[1] == 1)
    begins_line = not text[line_at(at, index).start : at].strip()
    if (ends or (found == "-" and begins_line)) and problem.bracket is not None and text[problem.bracket] in _CLOSING:
        return _never_closed(problem.bracket, at, index)
    if not found:
        return Explanation(at, at, "The text ends where a value is expected.", "Write the value, or close the bracket.")
    what = {
        ",": "A ',' stands where a value is expected: two commas in a row, or one too many at the beginning",
        "]": "']' closes nothing here",
        "}": "'}' closes nothing here",
        "-": "A '-' list item cannot stand inside [...] or {...}",
    }.get(found, f"A value is expected here, not {found!r}")
    return Explanation(at, at + 1, f"{what}.", "Remove it, or write the missing value.")


def version(problem: Problem, at: int, index: LineIndex) -> Explanation:
    """A %YAML line with a version that is not known."""
    line = line_at(at, index)
    return Explanation(
        at,
        max(line.end, at),
        f"The directive {line.text.strip()!r} asks for a YAML version that readers do not know.",
        "Write '%YAML 1.2' or remove the line.",
    )
