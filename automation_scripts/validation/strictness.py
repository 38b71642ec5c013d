"""How strict a validation is: the one place where a finding's severity depends on the caller's taste."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from enum import StrEnum

from automation_scripts.results import Finding, Severity

_H, _M, _L, _I = Severity.HIGH, Severity.MEDIUM, Severity.LOW, Severity.INFO


class Strictness(StrEnum):
    """What the `validation_rules` parameter says.

    - `strict`: for what goes to production. Whatever a tool would reject or silently ignore is high, and habits (unused
      anchors, outliers, drift) are medium at least.
    - `standard`: the default. What breaks is high, what is probably a mistake is medium, habits are low.
    - `lenient`: for a first look at an old tree. Only what surely breaks stays medium; the rest is info, and nothing
      that only compares with other files is shown.

    Security findings, syntax errors and references that lead nowhere are the same in all three.
    """

    STRICT = "strict"
    STANDARD = "standard"
    LENIENT = "lenient"


_SEVERITIES: dict[str, tuple[Severity, Severity, Severity]] = {
    # tag: (strict, standard, lenient)
    "unknown-key": (_H, _M, _I),
    "missing-required": (_H, _H, _M),
    "wrong-type": (_H, _H, _M),
    "invalid-enum": (_H, _H, _M),
    "invalid-value": (_H, _M, _L),
}
"""What schemas find. Their rules have no severity of their own: the same mistake weighs the same in every format."""

_HABITS = frozenset({"unused", "outlier", "drift"})
"""Tags of findings that are a matter of taste: at least medium in strict, info in lenient, as their rule says else."""

_COMPARISONS = frozenset({"outlier"})
"""Habits that only other files make a finding; lenient leaves them out."""

SCHEMA_RULES = "schema/"
"""How the ids of schema rules begin."""


def adjust(findings: Iterable[Finding], strictness: Strictness) -> list[Finding]:
    """The findings as this strictness sees them: severities changed, some left out, the order kept.

    Adjusting again with the same strictness changes nothing, so a check and its caller may both do it.
    """
    return [
        replace(finding, severity=_severity(finding, strictness))
        for finding in findings
        if not (strictness is Strictness.LENIENT and _COMPARISONS.intersection(finding.tags))
    ]


def _severity(finding: Finding, strictness: Strictness) -> Severity:
    if finding.severity is Severity.INFO:
        return finding.severity  # a remark stays a remark: it says what could not be told
    if finding.rule_id.startswith(SCHEMA_RULES):
        for tag in finding.tags:
            if tag in _SEVERITIES:
                return _SEVERITIES[tag][list(Strictness).index(strictness)]
    if _HABITS.intersection(finding.tags):
        if strictness is Strictness.STRICT and not finding.severity.at_least(Severity.MEDIUM):
            return Severity.MEDIUM
        if strictness is Strictness.LENIENT:
            return Severity.INFO
    return finding.severity
