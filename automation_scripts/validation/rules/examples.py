"""The examples of a rule, run: what is bad must break it, what is good must not, and the fix must mend."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from automation_scripts.results import Finding, Severity
from automation_scripts.validation.documents.corpus import Corpus
from automation_scripts.validation.documents.edits import apply_edits
from automation_scripts.validation.documents.scalars import text_of
from automation_scripts.validation.parsing.files import parse_text
from automation_scripts.validation.rules.data import DocumentData
from automation_scripts.validation.rules.types import Rule


def example_problems(rule: Rule, environment: str) -> Iterator[str]:
    """What is wrong with the examples of a rule, a sentence each."""
    for name, examples, wanted in (("bad", rule.bad, True), ("good", rule.good, False)):
        for number, text in enumerate(examples, 1):
            place = f"{rule.id}: the {name} example" + (f" {number}" if len(examples) > 1 else "")
            yield from _problems_of(rule, text, place, wanted, environment)


def _problems_of(rule: Rule, text: str, place: str, wanted: bool, environment: str) -> Iterator[str]:
    corpus = _corpus(rule, text)
    for finding in (finding for file in corpus.files for finding in file.findings):
        if finding.severity.at_least(Severity.HIGH):
            yield f"{place} cannot be read: line {finding.line}: {finding.message}"
            return
    if problem := _kind_problem(rule, corpus):
        yield f"{place} {problem}"
        return
    outcomes = _outcomes(rule, corpus, environment)
    for finding, is_error in outcomes:
        if is_error:
            yield f"{place} cannot be judged: {finding.message}"
            return
    if bool(outcomes) is not wanted:
        yield f"{place} {'does not break' if wanted else 'breaks'} the rule"
        return
    edits = [edit for finding, _ in outcomes for edit in finding.fix]
    if edits and _outcomes(rule, _corpus(rule, apply_edits(text, edits)), environment):
        yield f"{place} still breaks the rule when it is fixed"


def _corpus(rule: Rule, text: str) -> Corpus:
    corpus = Corpus([parse_text(Path("/example.yaml"), "example.yaml", text)])
    for document in corpus.documents:
        document.kind = rule.kind.split("|")[0].strip().partition("/")[0] or document.kind
    return corpus


def _kind_problem(rule: Rule, corpus: Corpus) -> str | None:
    wanted = {kind.strip().partition("/")[2] for kind in rule.kind.split("|")}
    if "" in wanted or any(text_of(document.root.get("kind")) in wanted for document in corpus.documents):
        return None
    return f"is no object of kind {' or '.join(sorted(wanted))}"


def _outcomes(rule: Rule, corpus: Corpus, environment: str) -> list[tuple[Finding, bool]]:
    from automation_scripts.validation.rules.check import judge

    objects = {kind.strip().partition("/")[2] for kind in rule.kind.split("|")}
    return [
        outcome
        for document in corpus.documents
        if "" in objects or text_of(document.root.get("kind")) in objects
        for outcome in judge(rule, DocumentData(document, environment))
    ]
