"""What strictness changes, and what it must not."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from automation_scripts.results import Finding, Severity
from automation_scripts.validation.strictness import Strictness, adjust

TAGS = ["unknown-key", "missing-required", "wrong-type", "invalid-enum", "invalid-value", "privileged", "unused", "outlier",
        "drift", "syntax", "dangling-ref"]  # fmt: skip

FINDINGS = st.builds(
    lambda rule, severity, tag: Finding(rule, severity, "m", file="f", line=1, tags=(tag,)),
    st.sampled_from(["schema/x", "security/x", "yaml/x"]),
    st.sampled_from(list(Severity)),
    st.sampled_from(TAGS),
)


def severity_of(
    tag: str, strictness: Strictness, rule: str = "schema/x", severity: Severity = Severity.HIGH
) -> Severity:
    (found,) = adjust([Finding(rule, severity, "m", tags=(tag,))], strictness)
    return found.severity


def test_an_unknown_key_weighs_what_the_caller_says() -> None:
    assert [severity_of("unknown-key", s) for s in Strictness] == [Severity.HIGH, Severity.MEDIUM, Severity.INFO]


def test_security_is_the_same_everywhere() -> None:
    for strictness in Strictness:
        assert severity_of("privileged", strictness, "security/privileged", Severity.CRITICAL) is Severity.CRITICAL
        assert severity_of("invalid-value", strictness, "security/x", Severity.HIGH) is Severity.HIGH


def test_comparisons_with_other_files_are_left_out_when_lenient() -> None:
    finding = Finding("drift/outlier", Severity.LOW, "m", tags=("outlier",))
    assert adjust([finding], Strictness.LENIENT) == []
    assert adjust([finding], Strictness.STANDARD) == [finding]


@given(st.lists(FINDINGS, max_size=8), st.sampled_from(list(Strictness)))
def test_adjusting_twice_is_adjusting_once(findings: list[Finding], strictness: Strictness) -> None:
    once = adjust(findings, strictness)
    assert adjust(once, strictness) == once


@given(st.lists(FINDINGS, max_size=8))
def test_strict_is_never_milder_and_changes_severities_only(findings: list[Finding]) -> None:
    strict, standard = adjust(findings, Strictness.STRICT), adjust(findings, Strictness.STANDARD)
    assert len(strict) == len(standard) == len(findings)
    for hard, normal, before in zip(strict, standard, findings, strict=True):
        assert hard.severity.at_least(normal.severity)
        assert hard.fingerprint == normal.fingerprint == before.fingerprint


@given(st.lists(FINDINGS, max_size=8))
def test_a_remark_stays_a_remark(findings: list[Finding]) -> None:
    for strictness in Strictness:
        before = [f for f in findings if f.severity is Severity.INFO and f.tags != ("outlier",)]
        assert [f.severity for f in adjust(before, strictness)] == [Severity.INFO] * len(before)
