"""The steps of `config_validator`: each is one call of the validation package."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

from automation_scripts.errors import InvalidParameters
from automation_scripts.execution.interruption import MARK, marked_environment
from automation_scripts.execution.lifecycle import current
from automation_scripts.results import Finding, PredictedChange
from automation_scripts.validation import checks
from automation_scripts.validation.documents.corpus import Corpus
from automation_scripts.validation.fixes.plan_fixes import FixPlan
from automation_scripts.validation.fixes.plan_fixes import plan_fixes as choose_fixes
from automation_scripts.validation.fixes.plan_fixes import write_fixes as write_plan
from automation_scripts.validation.input.discovery import Discovery
from automation_scripts.validation.input.discovery import discover as find_files
from automation_scripts.validation.parameters import ConfigValidatorParameters
from automation_scripts.validation.report import Report
from automation_scripts.validation.validate import Expected, baseline_of, everything, limits_of, read, reviewed
from tasks.steps import progress_of, step

TAGS = ("validation",)


@step("discover", tags=TAGS)
def discover(parameters: ConfigValidatorParameters) -> Discovery:
    """Find the configuration files."""
    return find_files(Path(parameters.config_path), limits_of(parameters))


@step("parse", tags=TAGS)
def parse(found: Discovery, parameters: ConfigValidatorParameters) -> Corpus:
    """Read every file into a positioned tree."""
    return read(found.files, limits_of(parameters), progress_of("parse"))


@step("versions", tags=TAGS)
def check_versions(corpus: Corpus) -> list[Finding]:
    """Where YAML 1.1 and 1.2 readers would understand something else."""
    return checks.versions(corpus)


@step("schema", tags=TAGS)
def check_schemas(corpus: Corpus, found: Discovery, parameters: ConfigValidatorParameters) -> list[Finding]:
    """Every document against its JSON Schema."""
    return checks.schemas(corpus, found.root, parameters)


@step("rules", tags=TAGS)
def check_rules(corpus: Corpus, parameters: ConfigValidatorParameters) -> list[Finding]:
    """The business rules: ours, and the caller's own."""
    return checks.rules(corpus, checks.chosen_rules(parameters), _environment())


@step("inconsistencies", tags=TAGS)
def check_inconsistencies(corpus: Corpus, found: Discovery) -> list[Finding]:
    """References that lead nowhere, cycles, collisions, and what differs between environments."""
    return checks.inconsistencies(corpus, found.env_files)


@step("security", tags=TAGS)
def check_security(corpus: Corpus) -> list[Finding]:
    """Secrets, dangerous permissions, exposure."""
    return checks.security(corpus)


@step("learned", tags=TAGS)
def check_learned(corpus: Corpus, families: Sequence[list[Finding]]) -> list[Finding]:
    """What differs from the habits of the tree itself, where the other families have found nothing."""
    return checks.learned(corpus, [finding for family in families for finding in family])


@step("expectations", tags=TAGS)
def check_expectations(corpus: Corpus, parameters: ConfigValidatorParameters) -> Expected:
    """Great Expectations over the flattened table of all values, in a process that has it imported already."""
    from automation_scripts.server.offload import offload
    from automation_scripts.server.record import ServerFolder
    from automation_scripts.validation.tables.expectations import load_suite
    from automation_scripts.validation.tables.table import rows_of

    run = current.get()
    assert run is not None, "a step belongs to a run"
    suite = load_suite(Path(parameters.expectations_path) if parameters.expectations_path else None)
    answer = offload(
        "automation_scripts.validation.tables.expectations",
        {"rows": rows_of(corpus), "suite": suite},
        warm_socket=ServerFolder(run.settings.home).warm_socket,
        env=marked_environment(run.request.execution_id),
    )
    return Expected.from_answer(answer)


@step("command", tags=TAGS)
def run_command(found: Discovery, parameters: ConfigValidatorParameters) -> list[Finding]:
    """The team's own check: the commands of a Configuration Check block, run in the folder."""
    from automation_scripts.processes import end_tree
    from automation_scripts.validation.command_output import read_output
    from blocks.configuration_check import ConfigurationCheck

    run = current.get()
    assert run is not None, "a step belongs to a run"
    try:
        block = ConfigurationCheck.load(parameters.check_block)
    except ValueError as error:
        raise InvalidParameters(
            f"check_block: there is no Configuration Check block named '{parameters.check_block}'. "
            "Register the block type with `automation deploy` and fill one in in the Prefect UI."
        ) from error
    block.working_dir = found.root
    block.env = {**block.env, MARK: run.request.execution_id}
    ended_early = threading.Event()

    def end(pid: int) -> None:
        import psutil

        ended_early.set()
        end_tree(psutil.Process(pid), grace_s=2.0)

    with block:
        process = block.trigger()
        limit = threading.Timer(block.time_limit_s, end, (process.pid,))
        limit.start()
        try:
            process.wait_for_completion()
        except RuntimeError:
            pass  # prefect-shell raises for every exit code but 0; the code itself is judged below
        finally:
            limit.cancel()
        return read_output(
            process.fetch_result(),
            name=parameters.check_block,
            root=found.root,
            severity=block.severity,
            exit_code=None if ended_early.is_set() else process.return_code,
        )


@step("report", tags=TAGS)
def assemble(
    found: Discovery,
    corpus: Corpus,
    families: Sequence[list[Finding]],
    expected: Expected,
    parameters: ConfigValidatorParameters,
) -> Report:
    """All findings, each with the severity of the chosen strictness, sorted and counted."""
    findings = everything(found, corpus, [*families, expected.findings], parameters)
    not_run = () if parameters.check_block else ("command",)
    return reviewed(findings, found, corpus, parameters, baseline=baseline_of(parameters), not_run=not_run)


@step("plan fixes", tags=TAGS)
def plan_fixes(corpus: Corpus, report: Report, found: Discovery, parameters: ConfigValidatorParameters) -> FixPlan:
    """Choose the corrections that are safe, and prove each on a copy by the checks that found it."""
    look = checks.of_one_file(found.root, parameters, _environment())
    return choose_fixes(corpus.files, report.findings, look, limits=limits_of(parameters))


@step("apply fixes", changes=True, tags=TAGS)
def write_fixes(plan: FixPlan, parameters: ConfigValidatorParameters) -> list[PredictedChange]:
    """Write the corrected files, each atomically."""
    return write_plan(plan, limits=limits_of(parameters))


def _environment() -> str | None:
    run = current.get()
    return run.request.context.environment if run else None
