"""Findings as SARIF 2.1.0 (OASIS), for code hosts and editors.

Columns count Unicode code points; fixes, fingerprints and CWE numbers go along.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote

from automation_scripts.results import Finding, Severity, TextEdit
from automation_scripts.version import installed_version

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
LEVELS = {
    Severity.CRITICAL: "error",
    Severity.HIGH: "error",
    Severity.MEDIUM: "warning",
    Severity.LOW: "note",
    Severity.INFO: "note",
}
SECURITY_SEVERITY = {
    Severity.CRITICAL: "9.5",
    Severity.HIGH: "8.0",
    Severity.MEDIUM: "5.5",
    Severity.LOW: "3.0",
    Severity.INFO: "0.5",
}
_CWE = re.compile(r"(?i)(?:cwe-?)?(\d+)")
_SEMANTIC = re.compile(r"\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?")
_CHARACTER = r"(?:[A-Za-z0-9_.~:/?@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})"
_PAGE = re.compile(rf"https?://[A-Za-z0-9.-]+(?::\d+)?(?:[/?]{_CHARACTER}*)?(?:#{_CHARACTER}*)?")
_LINK = re.compile(r"\[([^\[\]]*)\](?=\()")


class Hidden(Protocol):
    """A finding that is not shown, and why: `kind` is `inSource` or `external` (SARIF 2.1.0, 3.35.2)."""

    @property
    def finding(self) -> Finding: ...

    @property
    def kind(self) -> str: ...

    @property
    def justification(self) -> str: ...


def to_sarif(
    findings: Sequence[Finding], *, tool_version: str | None = None, hidden: Sequence[Hidden] = ()
) -> dict[str, Any]:
    """One SARIF log with one run. What is `hidden` is told as suppressed: viewers count it and do not show it."""
    rules: dict[str, Finding] = {}
    every = [*findings, *(suppressed.finding for suppressed in hidden)]
    for finding in every:
        rules.setdefault(finding.rule_id, finding)
    order = {rule_id: index for index, rule_id in enumerate(rules)}
    weaknesses = sorted({number for finding in every if (number := _cwe(finding))}, key=int)
    version = tool_version or installed_version()
    driver: dict[str, Any] = {"name": "automation_scripts", "version": version}
    if _SEMANTIC.fullmatch(version):
        driver["semanticVersion"] = version
    driver["rules"] = [_rule(rule_id, finding) for rule_id, finding in rules.items()]
    run: dict[str, Any] = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [_result(finding, order[finding.rule_id]) for finding in findings],
    }
    if hidden:
        # Where some results tell their suppressions, all must (3.27.23): an empty list says "not suppressed".
        for result in run["results"]:
            result["suppressions"] = []
        run["results"] += [_suppressed(one, order[one.finding.rule_id]) for one in hidden]
    if weaknesses:
        driver["supportedTaxonomies"] = [{"name": "CWE", "index": 0}]
        run["taxonomies"] = [
            {"name": "CWE", "organization": "MITRE", "taxa": [{"id": f"CWE-{number}"} for number in weaknesses]}
        ]
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(rule_id: str, finding: Finding) -> dict[str, Any]:
    rule: dict[str, Any] = {
        "id": rule_id,
        "shortDescription": {"text": rule_id.replace("/", ": ").replace("-", " ")},
        "defaultConfiguration": {"level": LEVELS[finding.severity]},
        "properties": {"tags": list(finding.tags), "security-severity": SECURITY_SEVERITY[finding.severity]},
    }
    # A reference may be the name of a benchmark too; only a URI (RFC 3986) may stand here.
    encoded = (quote(reference, safe=":/?#@!$&'()*+,;=%~") for reference in finding.references)
    if page := next((uri for uri in encoded if _PAGE.fullmatch(uri)), None):
        rule["helpUri"] = page
    return rule


def _result(finding: Finding, rule_index: int) -> dict[str, Any]:
    text = _plain(finding.message + (f"\n{finding.suggestion}" if finding.suggestion else ""))
    result: dict[str, Any] = {
        "ruleId": finding.rule_id,
        "ruleIndex": rule_index,
        "level": LEVELS[finding.severity],
        "message": {"text": text},
        "partialFingerprints": {"automationScripts/v1": finding.fingerprint},
        "properties": {"severity": finding.severity.value, "tags": list(finding.tags)},
    }
    if finding.file:
        place: dict[str, Any] = {"artifactLocation": _location(finding.file)}
        if finding.line:
            place["region"] = _region(finding.line, finding.column, finding.end_line, finding.end_column)
        result["locations"] = [{"physicalLocation": place}]
    if finding.fix:
        result["fixes"] = [_fix(finding)]
    if number := _cwe(finding):
        result["taxa"] = [{"id": f"CWE-{number}", "toolComponent": {"name": "CWE", "index": 0}}]
    return result


def _suppressed(hidden: Hidden, rule_index: int) -> dict[str, Any]:
    suppression = {"kind": hidden.kind, "status": "accepted"}
    if hidden.justification:
        suppression["justification"] = hidden.justification
    return {**_result(hidden.finding, rule_index), "suppressions": [suppression]}


def _plain(text: str) -> str:
    """Text that shows no link: SARIF 2.1.0 (3.11.6) reads `[text](target)` as one, and the text may be a stranger's."""
    return _LINK.sub(r"\\[\1\\]", text)


def _fix(finding: Finding) -> dict[str, Any]:
    by_file: dict[str, list[TextEdit]] = {}
    for edit in finding.fix:
        by_file.setdefault(edit.file, []).append(edit)
    return {
        "description": {"text": finding.suggestion or "Mend it."},
        "artifactChanges": [
            {
                "artifactLocation": _location(file),
                "replacements": [
                    {
                        "deletedRegion": {
                            "startLine": edit.start_line,
                            "startColumn": edit.start_column,
                            "endLine": edit.end_line,
                            "endColumn": edit.end_column,
                        },
                        "insertedContent": {"text": edit.text},
                    }
                    for edit in edits
                ],
            }
            for file, edits in by_file.items()
        ],
    }


def _region(line: int, column: int | None, end_line: int | None, end_column: int | None) -> dict[str, int]:
    region = {"startLine": line}
    if column:
        region["startColumn"] = column
    if column and end_line and end_column and (end_line, end_column) >= (line, column):
        region |= {"endLine": end_line, "endColumn": end_column}
    return region


def _location(file: str) -> dict[str, str]:
    # A path is no URI yet: blanks, `#`, `%` and letters beyond ASCII are encoded, and `a:b` must not look like a scheme.
    if Path(file).is_absolute():
        return {"uri": "file://" + quote(file)}
    encoded = quote(file)
    return {"uri": f"./{encoded}" if ":" in encoded.split("/")[0] else encoded}


def _cwe(finding: Finding) -> str | None:
    found = _CWE.fullmatch(finding.cwe or "")
    return found[1] if found else None
