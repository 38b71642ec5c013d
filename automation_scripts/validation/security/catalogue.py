"""What every security rule is about and which standards ask for it (`catalogue.yaml`), for findings and for documents."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import yaml

from automation_scripts.results import Finding, Severity

_FILE = Path(__file__).parent / "catalogue.yaml"
_LINKS = {
    "PSS": "https://kubernetes.io/docs/concepts/security/pod-security-standards/",
    "GitHub hardening": "https://docs.github.com/actions/security-for-github-actions/security-guides/security-hardening-for-github-actions",
}


@dataclass(frozen=True, slots=True)
class RuleRow:
    """One row of the table of security rules."""

    id: str
    classes: tuple[str, ...]
    severity: Severity
    """The worst that it gives."""
    what: str
    cwe: str
    mapping: tuple[str, ...]
    """Items of benchmarks and categories: `CIS Kubernetes 1.9 5.2.2`, `OWASP A05:2021`."""


@lru_cache(maxsize=1)
def catalogue() -> dict[str, RuleRow]:
    """Every rule by id."""
    raw = yaml.load(_FILE.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)["rules"]
    return {
        rule_id: RuleRow(
            rule_id,
            tuple(row["class"].split("|")),
            Severity(row["severity"]),
            row["what"],
            row["cwe"],
            tuple(row["mapping"].split("; ")),
        )
        for rule_id, row in raw.items()
    }


def rule_table() -> list[RuleRow]:
    """The table of security rules for the documents, in the order of their ids; forms of tokens included."""
    from automation_scripts.validation.values.token_formats import FORMATS

    tokens = catalogue()["secret/token"]
    rows = {row.id: row for row in catalogue().values() if row.id != tokens.id}
    for form in FORMATS:
        rows[f"secret/{form.name}"] = RuleRow(
            f"secret/{form.name}",
            tokens.classes,
            form.severity,
            f"A {form.title} in clear text.",
            tokens.cwe,
            tokens.mapping,
        )
    return [rows[rule_id] for rule_id in sorted(rows)]


def row_of(rule_id: str) -> RuleRow | None:
    """The row of a rule; every form of token has the same one. None for rules that are not about security."""
    rows = catalogue()
    return rows.get(rule_id) or (rows["secret/token"] if rule_id.startswith("secret/") else None)


def with_references(findings: Iterable[Finding]) -> list[Finding]:
    """The findings with the CWE and the references of their rules, where they have none of their own."""
    return [_referenced(finding) for finding in findings]


def _referenced(finding: Finding) -> Finding:
    row = row_of(finding.rule_id)
    if row is None:
        return finding
    links = [link for name, link in _LINKS.items() if any(item.startswith(name) for item in row.mapping)]
    references = (*finding.references, *(text for text in (*row.mapping, *links) if text not in finding.references))
    return replace(finding, cwe=finding.cwe or row.cwe, references=references)


def rule_page() -> str:
    """The table as a page of the documents (docs/config_validator_rules.md)."""
    rows = [
        f"| `{row.id}` | {', '.join(row.classes)} | {row.severity.value} | {row.what} | {row.cwe} | {', '.join(row.mapping)} |"
        for row in rule_table()
    ]
    head = (
        "# Security rules of config_validator",
        "",
        "Made by `python -m automation_scripts.validation.security.catalogue`; a test keeps it in step. The severity is the worst",
        "that a rule gives. The other rules are listed by `automation rules list`.",
        "",
        "| rule | class | severity | what it finds | weakness | asked for by |",
        "|---|---|---|---|---|---|",
    )
    return "\n".join((*head, *rows)) + "\n"


if __name__ == "__main__":
    print(rule_page(), end="")
