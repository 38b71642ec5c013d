"""Template placeholders: a file that becomes YAML only when rendered, and a placeholder that lost its quotes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from automation_scripts.validation.documents.reporting import Reporter
from automation_scripts.validation.documents.tree import Kind, ParsedFile, Style
from automation_scripts.validation.input.text import LineIndex

SYNTAX_RULES = frozenset({"yaml/syntax", "json/syntax"})
"""Rules for a text that cannot be read."""

_LINES_BEFORE_ERROR = 4
_MAX_LINES_LOOKED_AT = 400
_MAX_LINES_LOOKED_BACK = 2000
_COMMENT = re.compile(r"\s#")
_BLOCK_HEADER = re.compile(r"(?::|-|^)[ \t]+(?:[&!]\S+[ \t]+)*[|>][-+0-9]*[ \t]*(?:#.*)?$")
# `${{ }}` of GitHub and Azure is not meant: those files are YAML before anything is put in. Text in quotes and
# comments is passed over, so what it holds is not found; a placeholder that begins first may hold quotes itself.
# None holds the beginning of another: otherwise a long line of beginnings would be searched again from each.
_PIECE = re.compile(
    r"""(?P<bare>(?<!\$)\{\{(?:(?!\{\{).)*?\}\}|\{%(?:(?!\{%).)*?%\}|\{\#(?:(?!\{\#).)*?\#\}|<%(?:(?!<%).)*?%>)"""
    r"""|(?P<quoted>(?:(?<=[\s\[{,:(=])|^)(?:"(?:[^"\\\n]|\\.)*"|'(?:[^'\n]|'')*'))"""
    r"""|(?P<comment>(?:^|(?<=\s))\#[^\n]*)"""
)


def bare_placeholders(line: str) -> list[tuple[int, int]]:
    """Where template placeholders stand in a line outside of quotes and comments, as (start, end) columns from 0."""
    if not any(mark in line for mark in ("{{", "{%", "{#", "<%")):
        return []
    return [found.span() for found in _PIECE.finditer(line) if found.lastgroup == "bare"]


def quotes_placeholders(text: str) -> bool:
    """True when some placeholder stands in quotes, as in files that are read as YAML first (Ansible, Taskfile)."""
    return "{{" in text and any(
        found.lastgroup == "quoted" and "{{" in found.group()
        for line in text.splitlines()
        if "{{" in line
        for found in _PIECE.finditer(line)
    )


@dataclass(frozen=True, slots=True)
class Placeholder:
    """One placeholder outside of quotes: its 1-based line, and its columns from 0."""

    line: int
    start: int
    end: int


def is_named_template(path: Path) -> bool:
    """True when a file's name or folder says that it is a template, whatever is quoted in it."""
    return "templates" in path.parts[:-1] or not {".template", ".tmpl", ".tpl"}.isdisjoint(path.suffixes)


def in_chart(path: Path) -> bool:
    """True for a file under `templates/` of a Helm chart."""
    for folder in path.parents:
        if folder.name == "templates":
            return any((folder.parent / chart).is_file() for chart in ("Chart.yaml", "Chart.yml"))
    return False


def disturbing_placeholder(parsed: ParsedFile) -> Placeholder | None:
    """The bare placeholder that makes the file unreadable, or that YAML reads as a map with a map for a key.

    Placeholders in quotes, in comments and in block texts are ordinary text and disturb nothing.
    """
    index = LineIndex(parsed.text)
    return _beside_an_error(parsed, index) or _read_as_a_map(parsed, index)


def _beside_an_error(parsed: ParsedFile, index: LineIndex) -> Placeholder | None:
    seen: set[int] = set()
    for finding in parsed.findings:
        if finding.rule_id not in SYNTAX_RULES or finding.line is None:
            continue
        # libyaml notices at the placeholder or on a line soon after it.
        for line in range(finding.line, max(finding.line - _LINES_BEFORE_ERROR, 0), -1):
            if line in seen or len(seen) >= _MAX_LINES_LOOKED_AT:
                continue
            seen.add(line)
            text = index.line_text(line)
            span = next((span for span in bare_placeholders(text) if _begins_a_value(text, span[0])), None)
            if span is not None and not _in_block_text(index, line):
                return Placeholder(line, *span)
    return None


def _begins_a_value(text: str, start: int) -> bool:
    """True when a value or the line begins at a column; inside a plain text a placeholder is text."""
    while start > 0 and text[start - 1] in " \t":
        start -= 1
    return start == 0 or text[start - 1] in ":-?[,{"


def _read_as_a_map(parsed: ParsedFile, index: LineIndex) -> Placeholder | None:
    if "{{" not in parsed.text:
        return None
    for document in parsed.documents:
        for _, _, node in document.root.walk():
            start = node.span.start
            if node.kind is not Kind.MAP or node.style is not Style.FLOW or not parsed.text.startswith("{{", start):
                continue
            line, column = index.position(start)
            spans = [span for span in bare_placeholders(index.line_text(line)) if span[0] == column - 1]
            if spans and node.entries and node.entries[0][0].kind is Kind.MAP:
                return Placeholder(line, *spans[0])
    return None


def _in_block_text(index: LineIndex, line: int) -> bool:
    """True when a line belongs to a `|` or `>` text, judged by indentation alone: the file may not parse."""
    indent = _indent(index.line_text(line))
    for above in range(line - 1, max(line - _MAX_LINES_LOOKED_BACK, 0), -1):
        text = index.line_text(above)
        if not text.strip() or _indent(text) >= indent:
            continue
        if _BLOCK_HEADER.search(text):
            return True
        indent = _indent(text)
        if indent == 0:
            return False
    return False


def _indent(text: str) -> int:
    return len(text) - len(text.lstrip(" "))


def explain_placeholder(parsed: ParsedFile, found: Placeholder) -> None:
    """Say that the placeholder needs quotes, in place of the syntax errors it causes."""
    index = LineIndex(parsed.text)
    text = index.line_text(found.line)
    end = len(text.rstrip())
    if (comment := _COMMENT.search(text, found.end)) is not None:
        end = len(text[: comment.start()].rstrip())
    value, offset = text[found.start : end], index.line_start(found.line)
    quoted = f'"{value}"' if '"' not in value else f"'{value}'" if "'" not in value else None
    reporter = Reporter(parsed.name, index)
    reporter.findings = [f for f in parsed.findings if f.rule_id not in SYNTAX_RULES or (f.line or 0) < found.line]
    reporter.report(
        "yaml/unquoted-placeholder",
        f"The value {value[:60]!r} begins with a placeholder and has no quotes: YAML reads '{{' as a map.",
        offset + found.start,
        offset + end,
        suggestion=f"Quote the whole value: {quoted}." if quoted else "Quote the whole value.",
        edits=[] if quoted is None else [(offset + found.start, offset + end, quoted)],
    )
    parsed.findings[:] = reporter.ordered()
