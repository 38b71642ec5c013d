"""One whole validation as one call, without Prefect: for editors, commit hooks and pipelines.

The governed run makes the same calls, each as a task (flows/validation.py). Nothing is written here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from automation_scripts.results import Finding
from automation_scripts.validation import checks
from automation_scripts.validation.documents.corpus import Corpus
from automation_scripts.validation.documents.tree import ParsedFile
from automation_scripts.validation.fixes.plan import FixPlan
from automation_scripts.validation.input.discovery import ConfigFile, Discovery, discover
from automation_scripts.validation.input.limits import Limits
from automation_scripts.validation.parameters import ConfigValidatorParameters
from automation_scripts.validation.report import Report
from automation_scripts.validation.strictness import adjust

if TYPE_CHECKING:
    from automation_scripts.validation.team.baseline import Baseline
    from automation_scripts.validation.team.cache import ValidationCache


@dataclass(frozen=True, slots=True)
class Expected:
    """What Great Expectations said."""

    findings: list[Finding]
    outcomes: list[dict[str, Any]]
    """One row an expectation: what it looked at, and how many values were not as expected."""
    page: str = ""
    """Its data docs as HTML, when they were asked for."""

    @classmethod
    def from_answer(cls, answer: Mapping[str, Any]) -> Self:
        """From what `tables.expectations.validate_rows` returns."""
        return cls([Finding.from_dict(data) for data in answer["findings"]], answer["outcomes"], answer["page"])


@dataclass(frozen=True, slots=True)
class Validation:
    """What was read, and what was found in it."""

    found: Discovery
    corpus: Corpus
    report: Report
    findings: list[Finding]
    """All of them, before suppressions and the baseline."""
    expected: Expected | None = None


def limits_of(parameters: ConfigValidatorParameters) -> Limits:
    """The bounds that the caller chose."""
    return Limits(max_file_bytes=int(parameters.max_file_mb * 2**20))


def read(
    files: Sequence[ConfigFile],
    limits: Limits,
    tell: Callable[[int, int], None] = lambda done, total: None,
    cache: ValidationCache | None = None,
) -> Corpus:
    """Every file as a positioned tree. `tell` hears how many of how many are done."""
    from automation_scripts.validation.parsing.files import parse_file

    parsed: list[ParsedFile] = []
    for number, file in enumerate(files):
        tell(number, len(files))
        if cache is not None:
            parsed.append(cache.parse(file, limits))
        else:
            parsed.append(parse_file(file.path, file.name, limits, file.kind))
    return Corpus(parsed)


def validate(
    parameters: ConfigValidatorParameters,
    *,
    environment: str | None = None,
    expectations: bool = False,
    tell: Callable[[int, int], None] = lambda done, total: None,
    cache: ValidationCache | None = None,
) -> Validation:
    """Read the tree and make all checks.

    Args:
        parameters: what to look at and how; `apply_fixes` and `check_block` belong to a governed run and are passed over.
        environment: what rules see as `environment`.
        expectations: whether Great Expectations run too; importing it takes seconds.
        tell: hears how many files of how many have been read.
        cache: what was found in files that have not changed since; the result is the same with and without it.

    Raises:
        InvalidParameters: a path that does not exist, a folder without configuration, a rule, schema or baseline file
            that is wrong.
    """
    found = discover(Path(parameters.config_path), limits_of(parameters))
    baseline = baseline_of(parameters)
    chosen = checks.chosen_rules(parameters)
    corpus = read(found.files, limits_of(parameters), tell, cache)
    if cache is not None:
        checked = cache.check(corpus, found.root, parameters, environment, lambda: chosen)
        families = [checked.versions, checked.schemas, checked.rules, checked.security]
    else:
        families = [
            checks.versions(corpus),
            checks.schemas(corpus, found.root, parameters),
            checks.rules(corpus, chosen, environment),
            checks.security(corpus),
        ]
    families.append(checks.inconsistencies(corpus, found.env_files))
    families.append(checks.learned(corpus, [finding for family in families for finding in family]))
    expected = _expectations(corpus, parameters) if expectations else None
    if expected:
        families.append(expected.findings)
    findings = everything(found, corpus, families, parameters)
    not_run = ("command",) if expected else ("command", "expectation")
    report = reviewed(findings, found, corpus, parameters, baseline=baseline, not_run=not_run)
    return Validation(found, corpus, report, findings, expected)


def baseline_of(parameters: ConfigValidatorParameters) -> Baseline | None:
    """The accepted findings that the caller named, or None. Raises InvalidParameters when the file cannot be used."""
    from automation_scripts.validation.team.baseline import read_baseline

    return read_baseline(Path(parameters.baseline_path)) if parameters.baseline_path else None


def everything(
    found: Discovery, corpus: Corpus, families: Sequence[Sequence[Finding]], parameters: ConfigValidatorParameters
) -> list[Finding]:
    """All findings, each once, with the severity of the chosen strictness, sorted by place."""
    syntax = [finding for file in corpus.files for finding in file.findings]
    findings = [*found.findings, *syntax, *(finding for family in families for finding in family)]
    return Report(adjust(findings, parameters.validation_rules), files=len(corpus.files)).findings


def reviewed(
    findings: Sequence[Finding],
    found: Discovery,
    corpus: Corpus,
    parameters: ConfigValidatorParameters,
    *,
    baseline: Baseline | None,
    not_run: Sequence[str] = (),
    today: date | None = None,
) -> Report:
    """What is shown: suppressed and accepted findings are taken out and counted.

    Args:
        findings: all of them, from `everything`.
        found: the tree.
        corpus: its files.
        parameters: the caller's.
        baseline: from `baseline_of`.
        not_run: families that were left out, so that suppressions of theirs do not count as unused.
        today: when suppressions end; by default the day of the call (UTC).
    """
    from automation_scripts.validation.team.review import review

    own = [rule.id for rule in checks.chosen_rules(parameters)] if parameters.rules_path else []
    done = review(
        findings,
        corpus.files,
        root=found.root,
        today=today or datetime.now(UTC).date(),
        baseline=baseline,
        own_rules=own,
        not_run=not_run,
    )
    return Report(done.shown, files=len(corpus.files), hidden=done.hidden)


def planned_fixes(
    done: Validation, parameters: ConfigValidatorParameters, *, environment: str | None = None
) -> FixPlan:
    """The corrections that are safe, each proved on a copy by the checks that found it. Nothing is written."""
    from automation_scripts.validation.fixes.plan_fixes import plan_fixes

    look = checks.of_one_file(done.found.root, parameters, environment)
    return plan_fixes(done.corpus.files, done.report.findings, look, limits=limits_of(parameters))


def _expectations(corpus: Corpus, parameters: ConfigValidatorParameters) -> Expected:
    from automation_scripts.validation.tables.expectations import load_suite, validate_rows
    from automation_scripts.validation.tables.table import rows_of

    suite = load_suite(Path(parameters.expectations_path) if parameters.expectations_path else None)
    return Expected.from_answer(validate_rows(rows_of(corpus), suite, with_page=True))
