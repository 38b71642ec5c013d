"""`automation validate`: the checks of config_validator at once, without a server and without a record.

Reading needs no permission that the caller's own account does not have. Writing corrections does: `--fix` is a governed run.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from automation_scripts.cli.run import FailOn, OutputFormat, check_output
from automation_scripts.validation.strictness import Strictness

if TYPE_CHECKING:
    from automation_scripts.results import Finding
    from automation_scripts.validation.fixes.plan import FixPlan
    from automation_scripts.validation.parameters import ConfigValidatorParameters
    from automation_scripts.validation.validate import Validation


class ReportFormat(StrEnum):
    """How the findings are printed."""

    TEXT = "text"
    JSON = "json"
    SARIF = "sarif"
    GITHUB = "github"
    HTML = "html"


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("validate")(validate)


def validate(
    paths: list[Path] = typer.Argument(
        None, metavar="[PATH]...", help="A folder, or files of it; the present folder when left out."
    ),
    root: Path | None = typer.Option(
        None,
        "--root",
        help="The tree that references are looked up in, when PATHs are files: the git working tree by default.",
    ),
    validation_rules: Strictness = typer.Option(Strictness.STANDARD, "--validation-rules", help="How strict."),
    schema: str = typer.Option("", "--schema", metavar="PATH", help="A JSON Schema, or a folder of NAME.schema.json."),
    rules: str = typer.Option("", "--rules", metavar="PATH", help="Your business rules: a file or a folder."),
    expectations: bool = typer.Option(
        False, "--expectations", help="Run the suite of Great Expectations too; importing it takes seconds."
    ),
    expectations_path: str = typer.Option("", "--expectations-path", metavar="PATH", help="A suite of your own."),
    data_docs: Path | None = typer.Option(
        None, "--data-docs", metavar="FILE", help="Write the data docs of Great Expectations to this HTML file."
    ),
    environment: str = typer.Option("development", "-e", "--environment", help="What rules see as `environment`."),
    fix: bool = typer.Option(False, "--fix", help="Write the corrections that are safe, by a governed run."),
    dry_run: bool = typer.Option(False, "--dry-run", help="With --fix: show the corrections as a diff, write nothing."),
    output_format: ReportFormat = typer.Option(ReportFormat.TEXT, "--format", help="How to print the findings."),
    output: Path | None = typer.Option(None, "--output", "-o", help="Write to this file, not to stdout."),
    fail_on: FailOn = typer.Option(FailOn.HIGH, "--fail-on", help="Exit 1 for findings this bad or worse."),
) -> None:
    """Check configuration now: no server, no record, nothing written.

    The governed run of the same checks is `automation run config_validator`: it is recorded, and runs Great Expectations.

    Exit codes: 0 nothing at or over --fail-on; 1 findings; 2 bad input; 130 interrupted.

    Examples:

        automation validate examples/config

        automation validate deploy/app.yaml --format sarif -o out.sarif

        automation validate conf --fix --dry-run
    """
    from automation_scripts.errors import InvalidParameters
    from automation_scripts.validation.parameters import ConfigValidatorParameters
    from automation_scripts.validation.validate import validate as make_checks

    check_output(output)
    check_output(data_docs, "--data-docs")
    if dry_run and not fix:
        raise InvalidParameters("--dry-run: belongs to --fix. Without --fix nothing is written anyway.")
    tree, chosen = tree_of(paths or [Path()], root)
    parameters = ConfigValidatorParameters(
        config_path=str(tree),
        validation_rules=validation_rules,
        schema_path=schema,
        rules_path=rules,
        expectations_path=expectations_path,
    )
    if fix and not dry_run:
        if chosen is not None and [tree / name for name in chosen] != [tree]:
            raise InvalidParameters("--fix: corrects one whole tree. Give one PATH, a folder or a file.")
        _fix(parameters, environment, output_format, output, fail_on)
        return
    done = make_checks(
        parameters,
        environment=environment,
        expectations=expectations or bool(expectations_path or data_docs),
        tell=_teller(),
    )
    if data_docs and done.expected:
        _write(done.expected.page, data_docs)
    findings = [finding for finding in done.report.findings if _is_chosen(finding.file or "", chosen)]
    if fix:
        from automation_scripts.validation.validate import planned_fixes

        plan = planned_fixes(done, parameters, environment=environment)
        _write(diff_text(plan, chosen), output)
    else:
        _write(_text(done, findings, output_format, str(tree), to_file=output is not None), output)
    raise typer.Exit(_exit_code(findings, fail_on))


def tree_of(paths: list[Path], root: Path | None) -> tuple[Path, list[str] | None]:
    """The path to read, and which names below it are meant; None for all.

    One path and no `root`: that path alone. Otherwise the root, else the git working tree that holds the paths, else
    their common folder, so that references between files can be followed.

    Raises:
        InvalidParameters: a path that does not exist or lies outside of the root.
    """
    import os

    from automation_scripts.errors import InvalidParameters

    if len(paths) == 1 and root is None:
        return paths[0], None
    absolute = [Path(os.path.abspath(path)) for path in paths]  # noqa: PTH100 - links keep their names
    for given, path in zip(paths, absolute, strict=True):
        if not path.exists():
            raise InvalidParameters(f"{given}: does not exist. Give existing files or folders.")
    common = Path(os.path.commonpath([path if path.is_dir() else path.parent for path in absolute]))
    if root is None:
        root = next((folder for folder in (common, *common.parents) if (folder / ".git").exists()), common)
    root = Path(os.path.abspath(root))  # noqa: PTH100
    if outside := next((path for path in absolute if not path.is_relative_to(root)), None):
        raise InvalidParameters(f"{outside}: is not below --root {root}. Give a root that holds all paths.")
    return root, [path.relative_to(root).as_posix() for path in absolute]


def _is_chosen(name: str, chosen: list[str] | None) -> bool:
    return chosen is None or any(name == path or path == "." or name.startswith(f"{path}/") for path in chosen)


def _fix(
    parameters: ConfigValidatorParameters,
    environment: str,
    output_format: ReportFormat,
    output: Path | None,
    fail_on: FailOn,
) -> None:
    from automation_scripts.cli.run import run
    from automation_scripts.errors import InvalidParameters

    if output_format in (ReportFormat.GITHUB, ReportFormat.HTML):
        raise InvalidParameters(f"--format {output_format}: not with --fix. Validate again afterwards for that.")
    given = parameters.model_dump(mode="json", exclude_defaults=True) | {"apply_fixes": "true"}
    run(
        script="config_validator",
        parameter=[f"{name}={value}" for name, value in given.items()],
        environment=environment,
        user="",
        dry_run=False,
        output_format=OutputFormat(output_format.value),
        output=output,
        fail_on=fail_on,
        approval=None,
        otp=None,
        break_glass="",
        request_id="",
        timeout=None,
        remote=False,
    )


def diff_text(plan: FixPlan, chosen: list[str] | None) -> str:
    """The plan as a unified diff that `git apply` and `patch -p1` take."""
    import difflib

    pieces: list[str] = []
    for file in plan.files:
        if not _is_chosen(file.name, chosen):
            continue
        lines = difflib.unified_diff(
            file.before.splitlines(keepends=True),
            file.after.splitlines(keepends=True),
            f"a/{file.name}",
            f"b/{file.name}",
        )
        pieces += [line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines]
    return "".join(pieces)


def _text(done: Validation, findings: list[Finding], wanted: ReportFormat, title: str, *, to_file: bool) -> str | None:
    """What is to be written; None for a summary straight to the terminal."""
    from automation_scripts.cli.console import json_text
    from automation_scripts.cli.summary import findings_text, print_findings

    files = len(done.corpus.files)
    if wanted is ReportFormat.TEXT:
        if to_file:
            return findings_text(findings, files)
        print_findings(findings, files)
        return None
    if wanted is ReportFormat.JSON:
        return json_text({"files": files, "findings": [finding.to_dict() for finding in findings]})
    if wanted is ReportFormat.SARIF:
        from automation_scripts.sarif import to_sarif

        return json_text(to_sarif(findings))
    if wanted is ReportFormat.GITHUB:
        from automation_scripts.github_annotations import to_annotations

        return to_annotations(findings)
    from datetime import UTC, datetime

    from automation_scripts.validation.html_report import html
    from automation_scripts.validation.report import Report

    return html(Report(findings, files), done.corpus.files, title=title, made_at=datetime.now(UTC))


def _write(text: str | None, output: Path | None) -> None:
    if text is None:
        return
    if output is None:
        typer.echo(text, nl=False)
        return
    output.write_text(text, encoding="utf-8")
    typer.echo(f"written to {output}", err=True)


def _teller() -> Callable[[int, int], None]:
    """Tells on a terminal how many files have been read; a pipe hears nothing."""
    import sys

    def tell(done: int, total: int) -> None:
        if sys.stderr.isatty() and (done % 50 == 0 or done + 1 == total):
            sys.stderr.write(f"\rreading {done} of {total} files" if done + 1 < total else "\r\x1b[K")
            sys.stderr.flush()

    return tell


def _exit_code(findings: list[Finding], fail_on: FailOn) -> int:
    from automation_scripts.results import Severity

    if fail_on is FailOn.NEVER:
        return 0
    return int(any(finding.severity.at_least(Severity(fail_on.value)) for finding in findings))
