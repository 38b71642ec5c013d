"""Trying fixes on a copy of a file: they work when what they mend is gone and nothing new is there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from automation_scripts.results import Finding
from automation_scripts.validation.documents.edits import apply_edits
from automation_scripts.validation.documents.tree import ParsedFile
from automation_scripts.validation.input.file_kinds import FileKind, kind_of
from automation_scripts.validation.input.limits import Limits
from automation_scripts.validation.parsing.files import parse_text
from automation_scripts.validation.parsing.version_differences import differences

Revalidate = Callable[[ParsedFile], Sequence[Finding]]
"""Every check that can be made on one file alone: it gets the file as parsed and returns what it finds."""


class Trial:
    """Tries sets of fixes on copies of one file."""

    def __init__(self, file: ParsedFile, revalidate: Revalidate | None, limits: Limits) -> None:
        self.count = 0
        """How many trials were made; each costs a parse and a validation of the file."""
        self.file = file
        self.revalidate = revalidate
        self.limits = limits
        self.before = self._identities(self._findings(file))

    def _findings(self, file: ParsedFile) -> list[Finding]:
        """Everything that is found in a file: by the parser, and by the checks that were given."""
        found = list(file.findings)
        found.extend(self.revalidate(file) if self.revalidate is not None else differences(file))
        return found

    @staticmethod
    def _identities(findings: Iterable[Finding]) -> Counter[str]:
        # Parser findings may be among those of the checks too; each counts once for its place.
        unique = {(f.fingerprint, f.line, f.column): f for f in findings}
        return Counter(f.rule_id for f in unique.values())

    def refuses(self, kept: Sequence[Finding], group: Sequence[Finding]) -> str | None:
        """Why a group of fixes does not work on top of those that are kept already; None when every finding is
        gone and nothing new came."""
        fixes = [*kept, *group]
        self.count += 1
        try:
            text = apply_edits(self.file.text, [edit for finding in fixes for edit in finding.fix])
        except ValueError as error:
            return str(error)
        if text == self.file.text:
            return "it changes nothing"
        kind = kind_of(self.file.path.as_posix()) or FileKind(self.file.format.value)
        after = parse_text(self.file.path, self.file.name, text, self.limits, kind)
        if any(f.rule_id == "file/template" for f in after.findings):
            return "the file would be taken for a template afterwards"
        return self._new_trouble(fixes, {f.rule_id for f in group}, self._findings(after))

    def _new_trouble(self, fixes: Sequence[Finding], tried: set[str], found: list[Finding]) -> str | None:
        mended = Counter(f.rule_id for f in fixes)
        known = (self.before | mended) - mended
        readable = any("syntax" in f.tags for f in fixes)
        last_edited = max(edit.end_line for f in fixes for edit in f.fix)
        for rule, count in self._identities(found).items():
            if count <= known[rule]:
                continue
            # The last ones are the likely news; findings are in the order of the file.
            example = [f for f in found if f.rule_id == rule][-1]
            hidden_until_now = "syntax" not in example.tags or (example.line or 0) > last_edited + 1
            if readable and hidden_until_now:
                continue  # a text that can be read at last shows what else is in it
            if rule in tried:
                return f"the finding would still be there: {example.message}"
            return f"it would cause a new finding ({rule}): {example.message}"
        return None
