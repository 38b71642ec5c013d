"""`automation audit verify|prove`: what was changed, and what a third party can check."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from automation_scripts.cli.audit_common import FORMAT, OTP, OUTPUT, AuditFormat, counted_entries

if TYPE_CHECKING:
    from automation_scripts.governance.audit.findings import Verification
    from automation_scripts.governance.audit.log import AuditLog
    from automation_scripts.governance.audit.notes import VerifierKey
    from automation_scripts.governance.audit.scan import Progress
    from automation_scripts.settings import Settings


def verify(
    keys: Path | None = typer.Option(
        None, "--keys", metavar="FILE", help="Believe these public keys (automation audit keys), kept elsewhere."
    ),
    output_format: AuditFormat = FORMAT,
) -> None:
    """Read the whole log and name every change that its signatures and its anchors can show.

    Needs no permission: it tells positions and kinds, and nothing of what was recorded. Exit codes: 0 nothing was
    changed; 1 something was, or an anchor cannot be read; 2 the log or its keys cannot be read.

    Examples:

        automation audit verify

        automation audit verify --keys /mnt/auditor/audit-keys.txt --format json
    """
    from automation_scripts.cli.console import print_json
    from automation_scripts.governance.audit.verify import verify as verified
    from automation_scripts.settings import load_settings

    settings = load_settings()
    believed = _believed(settings, keys)
    with _log_to_verify(settings) as audit, _progress() as progress:
        result = verified(audit, verifier_keys=believed, progress=progress)
        anchored = bool(audit.anchors)
    if output_format is AuditFormat.JSON:
        print_json(_data(result))
    else:
        _print(result, anchored)
    raise typer.Exit(0 if result.ok else 1)


def prove(
    index: int | None = typer.Argument(None, metavar="INDEX", help="The entry to prove, counted from 0."),
    size: int | None = typer.Option(
        None, "--size", min=1, metavar="N", help="In the log as it was signed at N entries."
    ),
    consistency: tuple[int, int] | None = typer.Option(
        None, "--consistency", metavar="A B", help="That the log of A entries is the beginning of the log of B entries."
    ),
    output: Path | None = OUTPUT,
    otp: str | None = OTP,
) -> None:
    """Make a proof (RFC 9162) that a third party can check without this program; see docs/audit.md.

    The proof of an entry shows the entry, so it needs the right to read the log, and is recorded.

    Examples:

        automation audit prove 17 -o entry-17.json

        automation audit prove --consistency 256 512
    """
    import json

    from automation_scripts.cli.audit_common import chosen, existing_log, write_lines
    from automation_scripts.cli.authority import reader
    from automation_scripts.cli.console import print_json
    from automation_scripts.errors import InvalidParameters
    from automation_scripts.governance.audit.proofs import prove_consistency, prove_inclusion
    from automation_scripts.settings import load_settings

    if (index is None) == (consistency is None):
        raise InvalidParameters("prove: give the INDEX of an entry, or --consistency A B; one of the two.")
    settings = load_settings()
    audit = existing_log(settings)
    if consistency is not None:
        if size is not None:
            raise InvalidParameters("--size belongs to the proof of an entry; --consistency has both sizes already.")
        bundle = prove_consistency(audit, *consistency)
    else:
        assert index is not None
        bundle = prove_inclusion(audit, index, size)
        reader(settings, audit, otp, {"command": "audit prove", **chosen({"index": index, "size": size})})
    if output is None:
        print_json(bundle)
    else:
        write_lines([json.dumps(bundle, indent=2, ensure_ascii=False)], output)


def _believed(settings: Settings, file: Path | None) -> Sequence[VerifierKey]:
    """The public keys to verify with. Raises AuditUnavailable or InvalidParameters when there are none."""
    from automation_scripts.cli.audit_common import key_folder
    from automation_scripts.errors import AuditUnavailable, InvalidParameters
    from automation_scripts.governance.audit.keys import AuditKeys, read_verifier_keys

    if file is None:
        keys = AuditKeys(key_folder(settings))
        if not keys.exist():  # to ask for them would make one
            raise AuditUnavailable(
                f"There are no public keys in {keys.folder} to verify the audit log with. If it is not the first run that is still to "
                "come: restore the folder, or give the list that you have kept with --keys FILE."
            )
        return keys.verifier_keys()
    try:
        text = file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        raise InvalidParameters(f"--keys {file}: it cannot be read: {reason}.") from None
    found = read_verifier_keys(text, f"--keys {file}")
    if not found:
        raise InvalidParameters(f"--keys {file}: there is no key in it. `automation audit keys` prints them.")
    return found


@contextmanager
def _log_to_verify(settings: Settings) -> Iterator[AuditLog]:
    """The log; where it is gone, an empty one, so that the anchors tell what is missing and nothing is made."""
    import tempfile

    from automation_scripts.cli.audit_common import file_of
    from automation_scripts.errors import AuditUnavailable
    from automation_scripts.governance.audit.log import AuditLog
    from automation_scripts.governance.opened import open_audit

    file = file_of(settings.audit_url)
    if file is None or file.exists():
        yield open_audit(settings)
        return
    anchors = audit_anchors(settings)
    if not anchors:
        raise AuditUnavailable(
            f"There is no audit log at {file}, although it has a signing key, and no anchor that could tell what it held. "
            "Restore it from a backup, or correct `governance.audit_url`."
        )
    with tempfile.TemporaryDirectory() as folder, AuditLog(f"sqlite:///{folder}/empty.db", anchors=anchors) as empty:
        yield empty


def audit_anchors(settings: Settings) -> list[Any]:
    """The anchors of the settings, without opening the log."""
    from automation_scripts.governance.opened import anchor_of

    return [anchor_of(wanted) for wanted in settings.governance.anchors]


@contextmanager
def _progress() -> Iterator[Progress | None]:
    """Draws how far it is, on stderr, and only on a terminal."""
    from automation_scripts.cli.console import stderr

    console = stderr()
    if not console.is_terminal:
        yield None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    with Progress(
        TextColumn("verifying"), BarColumn(bar_width=24), MofNCompleteColumn(), console=console, transient=True
    ) as drawn:
        task = drawn.add_task("verifying", total=None)
        yield lambda done, total: drawn.update(task, completed=done, total=total)


def _data(result: Verification) -> dict[str, Any]:
    return {
        "ok": result.ok,
        "size": result.size,
        "root": result.root,
        "signed_size": result.signed_size,
        "anchored_size": result.anchored_size,
        "problems": [
            {"kind": problem.kind.value, "index": problem.index, "end": problem.end, "message": problem.message}
            for problem in result.problems
        ],
        "open_intents": [intent.index for intent in result.open_intents],
    }


def _print(result: Verification, anchored: bool) -> None:
    from automation_scripts.cli.audit_common import note
    from automation_scripts.cli.console import one_line, plain, stdout
    from automation_scripts.cli.quantities import counted

    console = stdout()
    for problem in result.problems:
        console.print(plain(f"{problem.kind.value}: {one_line(problem.message)}"), soft_wrap=True)
    said = counted(len(result.problems), "problem") if result.problems else "nothing was changed"
    typer.echo(f"{counted_entries(result.size)} read: {said}.")
    typer.echo(f"Signed: {counted_entries(result.signed_size)}; anchored: {result.anchored_size}. Root {result.root}.")
    if result.open_intents:
        some = ", ".join(str(intent.index) for intent in result.open_intents[:10])
        more = ", …" if len(result.open_intents) > 10 else ""
        typer.echo(
            f"{counted(len(result.open_intents), 'intent')} without an outcome yet, which is no tampering: {some}{more}."
        )
    if not anchored:
        note(
            "note: no anchor is configured (governance.anchors): a log that was replaced as a whole would look like this."
        )
