"""Every security rule says what it is about, which weakness it is, and which standards ask for it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from automation_scripts.results import Finding
from automation_scripts.validation.documents.classes import CLASSES
from automation_scripts.validation.rules.check import load_rules
from automation_scripts.validation.security import check as security
from automation_scripts.validation.security.catalogue import catalogue, row_of, rule_page, rule_table
from automation_scripts.validation.security.check import check_security
from automation_scripts.validation.security.cloud_resources import resource_rules
from automation_scripts.validation.security.weak_settings import weaknesses
from automation_scripts.validation.values.token_formats import FORMATS

from . import (
    test_api_descriptions,
    test_cloud_resources,
    test_exposure,
    test_injection,
    test_isolation,
    test_permissions,
    test_pipelines_and_playbooks,
    test_secrets,
    test_settings,
    test_workflow_security,
)
from .marked import parsed

SOURCES = Path(security.__file__).parent
DATA_CLASSES = {"latest-tag", "no-limits"}
"""What rules of data find that is about security."""


def _named_in_sources() -> set[str]:
    texts = [file.read_text(encoding="utf-8") for file in SOURCES.glob("*.py")]
    found = {rule for text in texts for rule in re.findall(r'"((?:security|secret)/[a-z0-9-]+)"', text)}
    found |= {f"security/{weakness.id}" for weakness in weaknesses()}
    found |= {f"security/{rule.id}" for rule in resource_rules()}
    found |= {rule.id for rule in load_rules([]) if rule.tag in DATA_CLASSES}
    return found


def test_every_rule_has_a_row_and_every_row_a_rule() -> None:
    assert set(catalogue()) == _named_in_sources()
    assert all(row_of(f"secret/{form.name}") for form in FORMATS)


@pytest.mark.parametrize("row", rule_table(), ids=lambda row: str(row.id))
def test_every_row_is_complete(row: object) -> None:
    from automation_scripts.validation.security.catalogue import RuleRow

    assert isinstance(row, RuleRow)
    assert row.classes and set(row.classes) <= set(CLASSES)
    assert re.fullmatch(r"CWE-\d{1,4}", row.cwe)
    assert row.what.endswith(".") and row.what[0].isupper()
    known = r"CIS (?:Kubernetes|Docker|AWS) [\d.]+(?: to [\d.]+)?|OWASP (?:A\d\d:2021|K\d\d|API\d+:2023|CICD-SEC-\d+)|PSS (?:baseline|restricted)|GitHub hardening"
    assert row.mapping and all(re.fullmatch(known, item) for item in row.mapping), row.mapping


def test_the_tables_agree_with_the_catalogue() -> None:
    told = [(rule.id, rule.tag, rule.severity) for rule in weaknesses()]
    told += [(rule.id, rule.tag, rule.severity) for rule in resource_rules()]
    for rule_id, tag, severity in told:
        row = catalogue()[f"security/{rule_id}"]
        assert tag in row.classes and row.severity.at_least(severity), rule_id
    for data in load_rules([]):
        if data.id in catalogue():
            assert data.tag in catalogue()[data.id].classes and data.severity is catalogue()[data.id].severity


def _samples() -> list[Finding]:
    modules = (
        test_api_descriptions, test_cloud_resources, test_exposure, test_injection, test_isolation, test_permissions,
        test_pipelines_and_playbooks, test_secrets, test_settings, test_workflow_security,
    )  # fmt: skip
    found: list[Finding] = []
    for module in modules:
        for name, text in vars(module).items():
            if name.isupper() and isinstance(text, str) and "\n" in text:
                for file in ("a.yaml", "compose.yaml", ".github/workflows/a.yml", "action.yml", ".gitlab-ci.yml"):
                    found += check_security([parsed(text, file)])
    return found


def test_every_finding_carries_its_weakness_and_references() -> None:
    found = _samples()
    assert len({finding.rule_id for finding in found}) > 60
    for finding in found:
        row = row_of(finding.rule_id)
        assert row is not None
        assert finding.tags[0] in row.classes, finding.rule_id
        assert finding.cwe and set(row.mapping) <= set(finding.references)
        # A form of token has a severity of its own.
        assert row.severity.at_least(finding.severity), (finding.rule_id, finding.severity)


def test_the_page_of_the_documents_is_in_step() -> None:
    page = Path(__file__).parents[3] / "docs" / "config_validator_rules.md"
    assert page.read_text(encoding="utf-8") == rule_page(), (
        "run: python -m automation_scripts.validation.security.catalogue > docs/config_validator_rules.md"
    )
