"""`automation policy check|test|show|init`: the files of the policies. What they decide is in the modules beside this."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from automation_scripts.cli import policy_diff, policy_explain, policy_matrix
from automation_scripts.cli.policy_common import FORMAT, POLICIES, PolicyFormat, load, place, source_data

if TYPE_CHECKING:
    from automation_scripts.governance.policy import PolicySet
    from automation_scripts.governance.policy.policy_tests import CaseResult
    from automation_scripts.settings.problems import Problem


def register(app: typer.Typer) -> None:
    """Add the group to the application."""
    group = typer.Typer(help="Who may do what, where and when; why; and what a change would do.", no_args_is_help=True)
    group.command("check")(check)
    group.command("test")(test)
    group.command("explain")(policy_explain.explain)
    group.command("matrix")(policy_matrix.matrix)
    group.command("diff")(policy_diff.diff)
    group.command("show")(show)
    group.command("init")(init)
    app.add_typer(group, name="policy")


def check(
    folder: Path | None = typer.Argument(None, metavar="[FOLDER]", help="The policies in use when left out."),
    output_format: PolicyFormat = FORMAT,
) -> None:
    """Read the policies and tell all that is wrong with them, each with its file and line.

    Exit codes: 0 they can be used; 2 they cannot, and nothing would be allowed.

    Examples:

        automation policy check

        automation policy check ./proposed --format json
    """
    from automation_scripts.cli.console import print_json, printable
    from automation_scripts.cli.quantities import counted
    from automation_scripts.governance.policy import PolicyError
    from automation_scripts.settings import load_settings

    settings = load_settings()
    chosen = folder or settings.policy_folder
    problems: tuple[Problem, ...] = ()
    policies: PolicySet | None = None
    try:
        policies = load(settings, chosen)
    except PolicyError as error:
        problems = error.problems
    if output_format is PolicyFormat.JSON:
        listed = [_problem(problem) for problem in problems]
        print_json({"folder": place(chosen), "problems": listed, "digest": policies.digest if policies else None})
    elif policies:
        roles = counted(len(policies.roles), "role")
        rules = counted(len(policies.compiled.policies), "rule")
        typer.echo(printable(f"{place(chosen)}: {rules} and {roles} can be used. Digest {policies.digest}."))
    else:
        for problem in problems:
            typer.echo(str(problem))
        typer.echo(f"{counted(len(problems), 'problem')}: with these policies nothing would be allowed.", err=True)
    raise typer.Exit(2 if problems else 0)


def test(
    files: list[Path] = typer.Argument(..., metavar="FILE...", help="Files with cases under `tests:`."),
    policies_folder: Path | None = POLICIES,
    output_format: PolicyFormat = FORMAT,
) -> None:
    """Run the cases of test files against the policies.

    Exit codes: 0 all passed; 1 some did not; 2 the policies or a test file cannot be used.

    Examples:

        automation policy test tests/releases.yaml

        automation policy test tests/*.yaml --policies ./proposed --format json
    """
    from automation_scripts.cli.console import print_json, printable
    from automation_scripts.governance.policy import run_tests
    from automation_scripts.settings import load_settings

    settings = load_settings()
    policies = load(settings, policies_folder or settings.policy_folder)
    results = [(file, result) for file in files for result in run_tests(policies, file)]
    passed = sum(result.passed for _, result in results)
    if output_format is PolicyFormat.JSON:
        cases = [_case(file, result) for file, result in results]
        print_json({"digest": policies.digest, "passed": passed, "failed": len(results) - passed, "cases": cases})
    else:
        for file, result in results:
            if not result.passed:
                typer.echo(printable(f"{file}:{result.case.line}: {result.case.name}: {result.complaint}"))
        typer.echo(f"{passed} of {len(results)} passed.")
    raise typer.Exit(0 if passed == len(results) else 1)


def show(
    policies_folder: Path | None = POLICIES,
    output_format: PolicyFormat = FORMAT,
) -> None:
    """Print the policies in force as Cedar text, with their files, roles and digest.

    Examples:

        automation policy show

        automation policy show --format json
    """
    from automation_scripts.cli.console import print_json, printable
    from automation_scripts.settings import load_settings

    settings = load_settings()
    folder = policies_folder or settings.policy_folder
    policies = load(settings, folder)
    data = _shown(policies, folder)
    if output_format is PolicyFormat.JSON:
        print_json(data)
        return
    lines = [f"digest {data['digest']}", f"policies of {data['folder']}", f"time zone {data['time_zone']}"]
    lines += [f"file {file['path']}, sha256 {file['sha256']}" for file in data["files"]]
    lines += [f"role {role} inherits {', '.join(parents)}" for role, parents in data["roles"].items() if parents]
    lines += [f"change freeze {f['from']} to {f['until']} ({f['file']}:{f['line']})" for f in data["freezes"]]
    # As comments, so that what is printed is Cedar.
    head = "\n".join("// " + printable(line).replace("\n", " ") for line in lines)
    typer.echo(f"{head}\n\n{printable(policies.text())}", nl=False)


def init(
    folder: Path | None = typer.Argument(None, metavar="[FOLDER]", help="`policies` in the state folder if left out."),
) -> None:
    """Copy the policies that are installed with the program into a folder of your own, to edit them there.

    Nothing is overwritten: a folder that holds something is refused.

    Examples:

        automation policy init

        automation policy init ./proposed
    """
    from automation_scripts.cli.console import printable
    from automation_scripts.settings import load_settings

    settings = load_settings()
    own = settings.governance.policies or settings.home / "policies"
    target = folder or own
    names = _copy_defaults(target)
    typer.echo(printable(f"Copied {' and '.join(names)} to {target}."))
    if target.absolute() == own.absolute():
        typer.echo("These policies are in use now. After each change: automation policy check")
    else:
        typer.echo(printable(f"They are not in use yet. See: automation policy diff {target}"))


def _problem(problem: Problem) -> dict[str, Any]:
    from automation_scripts.settings.problems import dotted

    line, column = problem.at or (None, None)
    return {
        "file": problem.source,
        "line": line,
        "column": column,
        "key": dotted(problem.path),
        "message": problem.message,
    }


def _case(file: Path, result: CaseResult) -> dict[str, Any]:
    return {
        "file": str(file),
        "line": result.case.line,
        "name": result.case.name,
        "passed": result.passed,
        "complaint": result.complaint,
        "allowed": result.decision.allowed,
    }


def _shown(policies: PolicySet, folder: Path | None) -> dict[str, Any]:
    from hashlib import sha256

    from automation_scripts.governance.policy.engine import render
    from automation_scripts.governance.policy.files import read_files

    compiled = policies.compiled
    files = [{"path": str(file.path), "sha256": sha256(file.content).hexdigest()} for file in read_files(folder)]
    rules = [
        {**source_data(source), "cedar": render(compiled.policies[name])} for name, source in compiled.sources.items()
    ]
    freezes = [
        {
            "from": freeze.start.isoformat(),
            "until": freeze.end.isoformat(),
            "reason": freeze.reason,
            "environments": list(freeze.environments),
            "except_roles": list(freeze.except_roles),
            "file": freeze.source.file,
            "line": freeze.source.line,
        }
        for freeze in compiled.freezes
    ]
    return {
        "digest": policies.digest,
        "folder": place(folder),
        "files": files,
        "time_zone": compiled.time_zone,
        "environments": list(policies.rules.environments),
        "protected": sorted(policies.rules.protected),
        "require_mfa": policies.rules.require_mfa,
        "roles": {role: list(parents) for role, parents in compiled.roles.items()},
        "freezes": freezes,
        "policies": rules,
    }


def _copy_defaults(target: Path) -> list[str]:
    """The names of the files. Raises ConfigurationError when the folder is not empty, or cannot be written."""
    from automation_scripts.errors import ConfigurationError

    try:
        taken = target.is_symlink() or target.is_file() or (target.is_dir() and any(target.iterdir()))
        if not taken:
            return _copied_at_once(target)
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):  # somebody else was quicker
            raise ConfigurationError(f"{target}: cannot be written: {error.strerror}. Name another folder.") from error
    raise ConfigurationError(
        f"{target}: is there already and not empty; nothing was copied. Name another folder, or move it away."
    )


def _copied_at_once(target: Path) -> list[str]:
    """All files appear together: a folder with half of them would allow less, or more."""
    import shutil
    import tempfile

    from automation_scripts.governance.policy import DEFAULTS

    paths = sorted(path for path in DEFAULTS.iterdir() if path.suffix in (".yaml", ".cedar"))
    parent = target.absolute().parent
    parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=parent, prefix=".policies-") as scratch:
        made = Path(scratch) / "new"
        made.mkdir(mode=0o700)
        for path in paths:
            shutil.copyfile(path, made / path.name)
            (made / path.name).chmod(0o600)
        made.rename(target)  # takes the place of an empty folder only
    return [path.name for path in paths]
