"""Writing a plan of fixes: every file is checked before the first is written, and each is replaced at once."""

from __future__ import annotations

from automation_scripts.errors import InvalidParameters
from automation_scripts.results import PredictedChange
from automation_scripts.validation.fixes.atomic_write import replace_file
from automation_scripts.validation.fixes.plan import FilePlan, FixPlan, text_digest
from automation_scripts.validation.input.limits import DEFAULT_LIMITS, Limits
from automation_scripts.validation.input.reading import NotReadable, read_bytes
from automation_scripts.validation.input.text import Decoded, decode


def write_fixes(plan: FixPlan, *, limits: Limits = DEFAULT_LIMITS) -> list[PredictedChange]:
    """Write every file of the plan, each at once or not at all; the changes that were made.

    All files are checked before the first is written. Encoding, byte order mark, line endings, mode and
    (where this user may set it) owner stay as they are, and links keep pointing at the file they point at.

    Raises:
        InvalidParameters: when a file changed since it was read, cannot be read again, or cannot be written.
        Files
            that were written before that stay written; the message names them.
    """
    ready: list[tuple[FilePlan, Decoded]] = [(file, _unchanged(file, limits)) for file in plan.files]
    written: list[str] = []
    for file, decoded in ready:
        try:
            replace_file(file.path, decoded.encode(file.after), expected=decoded.encode(file.before))
        except (OSError, ValueError) as error:
            done = f" Already written: {', '.join(written)}." if written else " Nothing was written."
            raise InvalidParameters(f"{file.name}: the fixes cannot be written: {_reason(error)}.{done}") from error
        written.append(file.name)
    return list(plan.predicted_changes)


def _unchanged(file: FilePlan, limits: Limits) -> Decoded:
    """The file as it is now, when it is still the one that the plan was made for."""
    try:
        decoded = decode(read_bytes(file.path, limits), file.name)
    except NotReadable as error:
        raise InvalidParameters(f"{file.name}: {error.message} Nothing was written; read the folder again.") from error
    if decoded.lossy:
        raise InvalidParameters(
            f"{file.name}: some bytes are no valid {decoded.encoding.upper()}, so writing it back would lose them. "
            "Nothing was written; save the file as UTF-8 first."
        )
    if text_digest(decoded.text) != file.digest:
        raise InvalidParameters(
            f"{file.name}: the file changed since it was read. Nothing was written; run the validation again."
        )
    return decoded


def _reason(error: OSError | ValueError) -> str:
    return getattr(error, "strerror", None) or str(error)
