"""`automation validate`: the checks of config_validator at once, without a server and without a record.

Reading needs no permission that the caller's own account does not have. Writing corrections does: `--fix` is a governed run.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
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
    from automation_scripts.validation.team.cache import ValidationCache
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
    changed_since: str = typer.Option(
        "", "--changed-since", metavar="REV", help="Only what changed since a git revision has to answer for."
    ),
    baseline: str = typer.Option("", "--baseline", metavar="FILE", help="Accepted findings: they are not shown."),
    update_baseline: bool = typer.Option(
        False, "--update-baseline", help="Accept all that is found now: write it to the file of --baseline."
    ),
    no_cache: bool = typer.Option(
        False, "--no-cache", help="Do not use what was found in files that are unchanged since."
    ),
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

        automation validate . --changed-since origin/main --format github

        automation validate . --baseline automation-baseline.json --update-baseline
    """
    from automation_scripts.errors import InvalidParameters
    from automation_scripts.validation.parameters import ConfigValidatorParameters
    from automation_scripts.validation.validate import validate as make_checks

    check_output(output)
    check_output(data_docs, "--data-docs")
    if dry_run and not fix:
        raise InvalidParameters("--dry-run: belongs to --fix. Without --fix nothing is written anyway.")
    if update_baseline and (not baseline or fix or changed_since):
        raise InvalidParameters("--update-baseline: needs --baseline FILE, and neither --fix nor --changed-since.")
    tree, chosen = tree_of(paths or [Path()], root)
    is_new = update_baseline and not Path(baseline).exists()
    parameters = ConfigValidatorParameters(
        config_path=str(tree),
        validation_rules=validation_rules,
        schema_path=schema,
        rules_path=rules,
        expectations_path=expectations_path,
        baseline_path="" if is_new else baseline,
    )
    if fix and not dry_run:
        if chosen is not None or changed_since:
            raise InvalidParameters(
                "--fix: corrects one whole tree. Give one PATH, a folder or a file, and no --changed-since."
            )
        _fix(parameters, environment, output_format, output, fail_on)
        return
    with _cache(off=no_cache) as cache:
        done = make_checks(
            parameters,
            environment=environment,
            expectations=expectations or bool(expectations_path or data_docs),
            tell=_teller(),
            cache=cache,
        )
    if data_docs and done.expected:
        _write(done.expected.page, data_docs)
    if update_baseline:
        _accept(done, Path(baseline), parameters)
        return
    findings = [finding for finding in done.report.findings if _is_chosen(finding.file or "", chosen)]
    unchanged = 0
    if changed_since:
        findings, unchanged = _changed(done, findings, changed_since)
    if fix:
        from automation_scripts.validation.validate import planned_fixes

        plan = planned_fixes(done, parameters, environment=environment)
        _write(diff_text(plan, chosen), output)
    else:
        view = View(done, findings, unchanged, str(tree))
        _write(view.text(output_format, to_file=output is not None), output)
    raise typer.Exit(_exit_code(findings, fail_on))


def _cache(*, off: bool) -> AbstractContextManager[ValidationCache | None]:
    from contextlib import nullcontext

    from automation_scripts.validation.team.cache import ValidationCache

    return nullcontext() if off else ValidationCache()


def _changed(done: Validation, findings: list[Finding], revision: str) -> tuple[list[Finding], int]:
    from automation_scripts.validation.team.changed import changed_findings
    from automation_scripts.validation.team.git_changes import changes_since

    root = done.found.root
    kept, left_out = changed_findings(findings, changes_since(revision, root), root=root, files=done.corpus.files)
    return kept, len(left_out)


def _accept(done: Validation, path: Path, parameters: ConfigValidatorParameters) -> None:
    from automation_scripts.validation.team.baseline import write_baseline
    from automation_scripts.validation.validate import baseline_of

    suppressed = {id(one.finding) for one in done.report.hidden if not one.accepted}
    findings = [finding for finding in done.findings if id(finding) not in suppressed]
    written = write_baseline(
        path,
        findings,
        root=done.found.root,
        before=baseline_of(parameters),
        checked={file.name for file in done.corpus.files},
    )
    typer.echo(f"{path}: {sum(entry.count for entry in written.entries)} findings accepted", err=True)


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


@dataclass(frozen=True, slots=True)
class View:
    """What is printed of a validation."""

    done: Validation
    findings: list[Finding]
    unchanged: int
    """Findings on lines that did not change since the revision that was asked for."""
    title: str

    @property
    def left_out(self) -> int:
        """Suppressed and accepted findings."""
        return len(self.done.report.hidden)

    def text(self, wanted: ReportFormat, *, to_file: bool) -> str | None:
        """In a format; None when it went straight to the terminal."""
        files = len(self.done.corpus.files)
        if wanted is ReportFormat.TEXT:
            from automation_scripts.cli.summary import findings_text, print_findings

            if to_file:
                return findings_text(self.findings, files) + self._note()
            print_findings(self.findings, files)
            return self._note()
        if wanted is ReportFormat.GITHUB:
            from automation_scripts.github_annotations import to_annotations

            return to_annotations(self.findings, folder=self._folder())
        if wanted is ReportFormat.HTML:
            return self._page()
        from automation_scripts.cli.console import json_text

        if wanted is ReportFormat.SARIF:
            from automation_scripts.sarif import to_sarif

            return json_text(to_sarif(self.findings, hidden=self.done.report.hidden))
        counts = {key: self.done.report.metrics()[key] for key in ("files", "suppressed", "accepted")}
        return json_text({**counts, "findings": [finding.to_dict() for finding in self.findings]})

    def _note(self) -> str:
        parts = (
            (self.left_out, "suppressed or accepted"),
            (self.unchanged, "on lines that did not change"),
        )
        said = ", ".join(f"{count} {what}" for count, what in parts if count)
        return f"not shown: {said}\n" if said else ""

    def _page(self) -> str:
        from datetime import UTC, datetime

        from automation_scripts.validation.html_report import html
        from automation_scripts.validation.report import Report

        files = self.done.corpus.files
        return html(
            Report(self.findings, len(files)),
            files,
            title=self.title,
            made_at=datetime.now(UTC),
            left_out=self.left_out + self.unchanged,
        )

    def _folder(self) -> str:
        """The checked folder as seen from where the command runs: annotations name files from there."""
        root = self.done.found.root
        return root.relative_to(Path.cwd()).as_posix() if root.is_relative_to(Path.cwd()) else ""


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
