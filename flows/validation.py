"""`config_validator` as a flow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from automation_scripts.execution.lifecycle import Execution
from automation_scripts.validation.parameters import ConfigValidatorParameters
from flows.governed import governed_flow
from tasks import validation as steps
from tasks.artifacts import Progress, publish_report
from tasks.steps import outcome

if TYPE_CHECKING:
    from prefect.futures import PrefectFuture

    from automation_scripts.validation.documents.corpus import Corpus
    from automation_scripts.validation.input.discovery import Discovery
    from automation_scripts.validation.report import Report
    from automation_scripts.validation.validate import Expected
    from tasks.steps import Sealed


@governed_flow("config_validator")
async def validate_configuration(run: Execution, parameters: ConfigValidatorParameters) -> None:
    """Validate YAML and JSON configuration: syntax, schemas, business rules, consistency and security.

    Corrections that are safe are proposed, and written when `apply_fixes` is on and it is no dry run.
    """
    progress = Progress(run.request.script.name)
    await progress.show(0)
    examined = examine(parameters)
    report = await examined.outcome()
    await progress.show(80)

    planning = steps.plan_fixes.submit(examined.corpus, examined.report, examined.found, parameters)
    plan = await outcome(planning)
    if await run.planned(plan.predicted_changes, apply=parameters.apply_fixes):
        written = await outcome(steps.write_fixes.submit(planning, parameters))
        await run.verify(written)
        examined = examine(parameters)
        report = await examined.outcome()

    tables = {"findings": report.rows(), "expectations": (await outcome(examined.expected)).outcomes}
    artifacts = await publish_report(run.request.script.name, report.markdown(), tables)
    await progress.show(100)
    run.report(findings=report.findings, metrics=report.metrics(), artifacts=artifacts)


@dataclass(frozen=True, slots=True)
class Examination:
    """The steps of one look at the whole tree, under way."""

    found: PrefectFuture[Sealed[Discovery]]
    corpus: PrefectFuture[Sealed[Corpus]]
    checks: Sequence[PrefectFuture[Sealed[Any]]]
    """Everything before the report, in the order of the edges."""
    expected: PrefectFuture[Sealed[Expected]]
    report: PrefectFuture[Sealed[Report]]

    async def outcome(self) -> Report:
        """The report. A step that failed is awaited before those that could not run for it, so its error is the one raised."""
        for check in self.checks:
            await outcome(check)
        return await outcome(self.report)


def examine(parameters: ConfigValidatorParameters) -> Examination:
    """discover → parse → { { versions, schema, rules, inconsistencies, security } → learned, expectations, command } → report."""
    found = steps.discover.submit(parameters)
    corpus = steps.parse.submit(found, parameters)
    families: list[PrefectFuture[Sealed[Any]]] = [
        steps.check_versions.submit(corpus),
        steps.check_schemas.submit(corpus, found, parameters),
        steps.check_rules.submit(corpus, parameters),
        steps.check_inconsistencies.submit(corpus, found),
        steps.check_security.submit(corpus),
    ]
    families.append(steps.check_learned.submit(corpus, list(families)))
    if parameters.check_block:
        families.append(steps.run_command.submit(found, parameters))
    expected = steps.check_expectations.submit(corpus, parameters)
    report = steps.assemble.submit(found, corpus, families, expected, parameters)
    return Examination(found, corpus, [found, corpus, *families, expected], expected, report)
