"""The correction of a script injection: the expression moves into the step's `env`, the script reads the variable."""

from __future__ import annotations

import re

from automation_scripts.results import TextEdit
from automation_scripts.validation.documents.pointing import replace
from automation_scripts.validation.documents.scalars import pairs
from automation_scripts.validation.documents.tree import Format, Kind, Node, Style
from automation_scripts.validation.security.insertions import new_entry_first
from automation_scripts.validation.security.workflow_parts import Step, shell_of

_SHELLS = ("bash", "sh")


def through_environment(step: Step, run: Node, start: int, end: int, inner: str) -> tuple[TextEdit, ...]:
    """The edits for the expression at `run.value[start:end]`; none where quoting or layout leaves doubt."""
    document = step.job.document
    file = document.file
    span = document.part(run, start, end)
    exact = file.text[span.start : span.end] == run.value[start:end]
    if not exact or file.format is not Format.YAML or run.anchor or shell_of(step) not in _SHELLS:
        return ()
    quote = _quote_around(run.value, start)
    if quote is None or (run.style is Style.DOUBLE and not quote) or run.style is Style.SINGLE:
        return ()
    name = _name(step, inner)
    defined = _environment(step, run, name, " ".join(inner.split()))
    if defined is None:
        return ()
    read = f"${{{name}}}"
    return (replace(file, span, read if quote else f'"{read}"'), *defined)


def _quote_around(text: str, offset: int) -> str | None:
    """`"` inside double quotes, empty outside of any; None within single quotes, here-documents and comments."""
    if "<<" in text[:offset]:
        return None
    quote = ""
    i = 0
    while i < offset:
        char = text[i]
        if char == "\\" and quote != "'":
            i += 2
            continue
        if text.startswith("${{", i):
            end = text.find("}}", i)
            if end < 0:
                return None
            i = end + 2
            continue
        if char in "'\"" and quote in ("", char):
            quote = "" if quote else char
        elif char == "#" and not quote and (i == 0 or text[i - 1] in " \t\n"):
            end = text.find("\n", i)
            if end < 0 or end >= offset:
                return None
            i = end
        i += 1
    return None if quote == "'" or quote == "`" else quote


def _name(step: Step, inner: str) -> str:
    """A variable's name from the end of the expression: `TITLE` for `github.event.issue.title`."""
    words = [word for word in re.split(r"[^A-Za-z0-9]+", inner) if word]
    name = "_".join(words[-2:] if len(words) > 1 else words).upper() or "VALUE"
    name = name if name[0].isalpha() else f"V_{name}"
    return name[:40]


def _environment(step: Step, run: Node, name: str, inner: str) -> tuple[TextEdit, ...] | None:
    file = step.job.document.file
    value = f"${{{{ {inner} }}}}"
    entry = step.node.entry("env")
    if entry:
        for known, given in pairs(entry[1]):
            if known.value == name:
                return () if given.kind is Kind.SCALAR and " ".join(given.value.split()) == value else None
        return new_entry_first(file, entry[0], entry[1].resolved(), f"{name}: {value}") or None
    key = next((found for found, node in step.node.entries if node is run), None)
    if key is None or step.node.style is not Style.BLOCK:
        return None
    indent = " " * (key.span.column - 1)
    where = key.span
    text = f"env:\n{indent}  {name}: {value}\n{indent}"
    return (TextEdit(file.name, where.line, where.column, where.line, where.column, text),)
