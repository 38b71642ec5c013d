"""From a file to its tree: read the bytes, decode them, choose the format, and know a template when it is
one."""

from __future__ import annotations

from pathlib import Path

from automation_scripts.results import Finding, Severity
from automation_scripts.validation.documents.tree import Format, ParsedFile
from automation_scripts.validation.input.file_kinds import FileKind, kind_of, sniff
from automation_scripts.validation.input.limits import DEFAULT_LIMITS, Limits
from automation_scripts.validation.input.reading import NotReadable, read_bytes
from automation_scripts.validation.input.text import decode, looks_binary
from automation_scripts.validation.parsing.isolated import Lost, is_suspicious, trial
from automation_scripts.validation.parsing.json import parse_json
from automation_scripts.validation.parsing.merge_conflicts import explain_conflicts
from automation_scripts.validation.parsing.placeholders import (
    disturbing_placeholder,
    explain_placeholder,
    in_chart,
    is_named_template,
    quotes_placeholders,
)
from automation_scripts.validation.parsing.yaml import parse_yaml

_EITHER_SUFFIXES = frozenset({".yaml", ".yml", ".json", ".jsonc"})


def parse_file(path: Path, name: str, limits: Limits = DEFAULT_LIMITS, kind: FileKind | None = None) -> ParsedFile:
    """Read and parse one file. Never raises for what the file is or holds: everything wrong is a finding.

    Args:
        path: the file; `ParsedFile.path` is its absolute form.
        name: what findings show as `file`.
        limits: bounds on size, depth and aliases.
        kind: how to read it; by default its name decides, then its content.
    """
    path = path.absolute()
    try:
        data = read_bytes(path, limits)
    except NotReadable as error:
        return ParsedFile(path, name, Format.YAML, "", findings=[error.finding(name)])
    if looks_binary(data):
        binary = NotReadable(
            "file/binary",
            "The file is no text; it was not read.",
            "Check what wrote it, and give it another name.",
            tag="syntax",
        )
        return ParsedFile(path, name, Format.YAML, "", findings=[binary.finding(name)])
    decoded = decode(data, name)
    del data  # with a large file the tree needs its memory
    parsed = parse_text(path, name, decoded.text, limits, kind)
    parsed.findings[:0] = decoded.findings
    if decoded.mark and parsed.format is Format.JSON:
        parsed.findings.insert(0, _mark_in_json(name))
    return parsed


def parse_text(
    path: Path, name: str, text: str, limits: Limits = DEFAULT_LIMITS, kind: FileKind | None = None
) -> ParsedFile:
    """Parse a text that is already read, as `parse_file` does. `path` need not exist."""
    if limits.isolate and is_suspicious(text) and (lost := trial(path, name, text, limits, kind)) is not None:
        return ParsedFile(path, name, Format.YAML, text, findings=[_unreadable(name, lost)])
    by_name = kind or kind_of(path.as_posix()) or kind_of(name)
    chosen = by_name if by_name not in (None, FileKind.ENV) else sniff(text)
    if by_name is FileKind.YAML and path.suffix.lower() not in _EITHER_SUFFIXES and sniff(text) is FileKind.JSON:
        chosen = FileKind.JSONC  # names like .prettierrc stand for both
    if chosen is FileKind.TEMPLATE or ("{{" in text and in_chart(path)):
        return _template(path, name, text, chosen)
    if chosen in (FileKind.JSON, FileKind.JSONC):
        parsed = parse_json(path, name, text, limits, allow_comments=chosen is FileKind.JSONC)
    else:
        parsed = parse_yaml(path, name, text, limits)
    if not parsed.findings and "{{" not in text:
        return parsed
    bare = disturbing_placeholder(parsed)
    if bare is not None:
        if is_named_template(path) or not quotes_placeholders(text):
            return _template(path, name, text, chosen)
        explain_placeholder(parsed, bare)
    explain_conflicts(parsed, limits)
    return parsed


def _template(path: Path, name: str, text: str, kind: FileKind | None) -> ParsedFile:
    finding = Finding(
        "file/template",
        Severity.INFO,
        "This is a template: it becomes YAML or JSON only when it is rendered, so it was not checked.",
        file=name,
        line=1,
        column=1,
        resource=name,
        suggestion="Check the rendered files (for a chart: the output of 'helm template').",
        tags=("invalid-value",),
    )
    return ParsedFile(path, name, Format.JSON if kind is FileKind.JSON else Format.YAML, text, findings=[finding])


def _unreadable(name: str, lost: Lost) -> Finding:
    return Finding(
        "file/unreadable-text",
        Severity.HIGH,
        f"Reading the text {lost.reason}; the file was not checked.",
        file=name,
        line=1,
        column=1,
        resource=name,
        suggestion="The text may be an attack on readers. Remove what repeats in it, or split the file.",
        tags=("invalid-value",),
    )


def _mark_in_json(name: str) -> Finding:
    return Finding(
        "json/byte-order-mark",
        Severity.LOW,
        "The file begins with a byte order mark. JSON must not have one, and many readers reject it.",
        file=name,
        line=1,
        column=1,
        suggestion="Save the file without a byte order mark (UTF-8 without BOM).",
        tags=("syntax",),
    )
