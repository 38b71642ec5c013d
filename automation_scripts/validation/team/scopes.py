"""Which lines of a file its suppressions cover, and what is wrong with how they are written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date

from automation_scripts.results import Finding
from automation_scripts.validation.documents.tree import ParsedFile
from automation_scripts.validation.input.spans import Span
from automation_scripts.validation.team.comments import MARK, Comment, Comments
from automation_scripts.validation.team.directives import Directive, Reach, read_directive

EVERYWHERE = 10**9
"""A line below every other."""


@dataclass(frozen=True, slots=True)
class Scope:
    """One suppression at work: what it ignores, where, why, and until when.

    `first` and `last` are lines of `file`; a finding without a line is only covered by a whole file. `resource` narrows
    a scope that has no comment of its own. `where` is the comment, or the line of the baseline file.
    """

    file: str
    rules: tuple[str, ...]
    first: int
    last: int
    reason: str
    until: date | None
    where: Span
    shown_file: str
    resource: str = ""
    external: bool = False
    wrong: str = ""
    """What keeps it from working."""

    def covers(self, finding: Finding) -> bool:
        """Whether a finding stands in reach of this, whatever its rule is."""
        if finding.file != self.file:
            return False
        if self.resource:
            path = finding.resource or ""
            return path == self.resource or path.startswith((f"{self.resource}.", f"{self.resource}["))
        return self.first <= (finding.line or 0) <= self.last

    def named(self, finding: Finding) -> str | None:
        """Which of its rules means this finding: the id, the class or the family; None when none does."""
        family = finding.rule_id.partition("/")[0] + "/*"
        return next((name for name in self.rules if name in (finding.rule_id, family, *finding.tags)), None)


def scopes_of(file: ParsedFile) -> list[Scope]:
    """The suppressions that stand in a file's comments, in the order of the file."""
    comments = Comments(file)
    found: list[Scope] = []
    open_block: Scope | None = None
    for comment in comments:
        directive = read_directive(comment.text)
        if directive is None:
            continue
        if directive.reach is Reach.END and not directive.wrong:
            if open_block is None:
                found.append(_scope(file, comment, directive, (0, 0), "no 'ignore-start' is open above it"))
            else:
                found.append(replace(open_block, last=comment.span.line))
            open_block = None
        elif directive.reach is Reach.START and not directive.wrong:
            if open_block is not None:
                found.append(_unclosed(open_block))
            open_block = _scope(file, comment, directive, (comment.span.line, EVERYWHERE))
        else:
            found.append(_of_line_or_file(file, comments, comment, directive))
    if open_block is not None:
        found.append(_unclosed(open_block))
    return found


def _of_line_or_file(file: ParsedFile, comments: Comments, comment: Comment, directive: Directive) -> Scope:
    if directive.reach is Reach.FILE:
        misplaced = "" if comment.leading else "'ignore-file' must stand above the first content of the file"
        return _scope(file, comment, directive, (0, EVERYWHERE), misplaced)
    line: int | None = comment.span.line
    if comment.alone:
        line = comments.next_content(comment.span.end_line)
    reach = (0, -1) if line is None else (line, comments.end_of_text(line))
    return _scope(file, comment, directive, reach)


def _scope(
    file: ParsedFile, comment: Comment, directive: Directive, lines: tuple[int, int], misplaced: str = ""
) -> Scope:
    return Scope(
        file.name,
        directive.rules,
        *lines,
        directive.reason,
        directive.until,
        comment.span,
        file.name,
        wrong=directive.wrong or misplaced,
    )


def _unclosed(scope: Scope) -> Scope:
    return replace(scope, wrong="no 'ignore-end' follows it")


def marked(files: Iterable[ParsedFile]) -> Iterator[ParsedFile]:
    """Those files that hold a comment for this tool, perhaps."""
    return (file for file in files if MARK in file.text)
