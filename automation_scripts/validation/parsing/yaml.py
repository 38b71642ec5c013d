"""YAML text to one positioned tree a document, with everything that is wrong with the syntax as findings.

Reading goes on behind a syntax error at the next document. libyaml reads, which is a reader of YAML 1.1;
where YAML 1.2.2 gives another verdict, `second_opinion` says so.
"""

from __future__ import annotations

import re
from pathlib import Path

from automation_scripts.results import Severity
from automation_scripts.suggest import nearest
from automation_scripts.validation.documents.reporting import Reporter
from automation_scripts.validation.documents.tree import Document, Format, Node, ParsedFile
from automation_scripts.validation.input.limits import DEFAULT_LIMITS, Limits
from automation_scripts.validation.input.text import LineIndex
from automation_scripts.validation.parsing.collector import collector_paused
from automation_scripts.validation.parsing.second_opinion import Opinion, ask_yaml12
from automation_scripts.validation.parsing.yaml_documents import Anchor, BuiltDocument, Problem
from automation_scripts.validation.parsing.yaml_errors import explain
from automation_scripts.validation.parsing.yaml_events import EventReader
from automation_scripts.validation.parsing.yaml_keys import add_repeated_keys

# Characters that YAML does not allow in a text at all (YAML 1.2.2, c-printable), and U+FEFF inside the text.
_FORBIDDEN = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
_DOCUMENT = re.compile(r"(?m)^---(?=[ \t\r\n]|\Z)")
_MAX_BROKEN_DOCUMENTS = 20


def parse_yaml(path: Path, name: str, text: str, limits: Limits = DEFAULT_LIMITS) -> ParsedFile:
    """Parse YAML `text` that was read from `path`; `name` is what findings call the file.

    Never raises for what the text holds. Documents before and after a broken one are kept; the broken one has
    no tree and leaves its number free, so `Document.index` counts as readers count.
    """
    parsed = ParsedFile(path, name, Format.YAML, text)
    with collector_paused():
        _Parse(parsed, limits).run()
    return parsed


class _Parse:
    def __init__(self, parsed: ParsedFile, limits: Limits) -> None:
        self.parsed = parsed
        self.limits = limits
        self.index = LineIndex(parsed.text)
        self.reporter = Reporter(parsed.name, self.index, limits)
        self.number = 0
        self.depth = 0
        self.expansion = 0
        self.cyclic = False
        self.latest = 0  # where the latest document begins

    def run(self) -> None:
        text = self._printable(self.parsed.text)
        reader = EventReader(text, self.index.starts, self.limits)
        problems: list[Problem] = []
        base = 0
        while (problem := reader.read(base, self._document)) is not None:
            problems.append(problem)
            if problem.kind == "nodes" or len(problems) >= _MAX_BROKEN_DOCUMENTS:
                break
            following = _DOCUMENT.search(text, max(problem.offset, self.latest + 1, base + 1))
            if following is None:
                break
            base = following.start()
        self._conclude(problems, text)
        self.parsed.findings.extend(self.reporter.ordered())

    def _printable(self, text: str) -> str:
        """The text with each forbidden character reported and replaced: offsets stay, and reading goes on."""
        found = list(_FORBIDDEN.finditer(text))
        for match in found[: self.limits.max_findings + 1]:
            character, at = match.group(), match.start()
            what = {
                "\x00": "a NUL character",
                "\ufeff": "a byte order mark (invisible)",
                "\x1b": "an escape character, as in coloured terminal output",
            }.get(character, "a control character" if ord(character) < 0xD800 else "no character of any text")
            self.reporter.report(
                "yaml/character",
                f"U+{ord(character):04X} is {what}; YAML does not allow it in a file.",
                at,
                at + 1,
                suggestion="Remove it, or write it as an escape sequence in double quotes.",
                edits=[(at, at + 1, "")] if character == "\ufeff" else [],
            )
        return _FORBIDDEN.sub("\ufffd", text) if found else text

    # What documents hold ----------------------------------------------------------------------------------

    def _document(self, built: BuiltDocument) -> None:
        self.latest = built.start
        if built.root is not None:
            self.parsed.documents.append(Document(built.root, self.number))
        self.number += 1
        self.depth = max(self.depth, built.depth)
        self.expansion += built.expansion
        self.cyclic = self.cyclic or bool(built.cycles)
        for node in built.repeated:
            add_repeated_keys(node, self.reporter, "yaml/duplicate-key")
        for alias, known in built.dangling:
            self._dangling(alias, known)
        for alias in built.cycles:
            self.reporter.report(
                "yaml/recursive-alias",
                f"*{alias.value} stands inside what &{alias.value} names: the value contains itself and never ends.",
                alias.span.start,
                alias.span.end,
                tag="cycle",
                suggestion="Write the inner value out, or name a smaller part.",
            )
        for start, end in built.glued:
            self.reporter.report(
                "yaml/missing-space",
                f"{self.parsed.text[start:end]!r} is no key here: without a space after the ':' the line is plain text.",
                start,
                end,
                severity=Severity.MEDIUM,
                tag="invalid-value",
                suggestion="Write a space after the ':', or quote the text.",
                edits=[(end, end, " ")],
            )
        if built.root is not None:
            for anchor in built.anchors:
                if not anchor.used:
                    self._unused(anchor)

    def _dangling(self, alias: Node, known: tuple[str, ...]) -> None:
        likely = nearest(alias.value, known)
        span = alias.span
        hint = f"Did you mean *{likely}? " if likely else ""
        listed = f"Anchors known here: {', '.join(sorted(known)[:10])}." if known else "No anchor is defined above it."
        self.reporter.report(
            "yaml/undefined-alias",
            f"*{alias.value} refers to an anchor that is not defined above it in this document.",
            span.start,
            span.end,
            tag="dangling-ref",
            suggestion=hint + listed,
            edits=[(span.start, span.end, f"*{likely}")] if likely else [],
        )

    def _unused(self, anchor: Anchor) -> None:
        text, start, end = self.parsed.text, anchor.start, anchor.end
        while text[end : end + 1] == " ":
            end += 1
        if text[end : end + 1] in ("\n", "\r", "") and text[start - 1 : start] == " ":
            start, end = start - 1, anchor.end
        self.reporter.report(
            "yaml/unused-anchor",
            f"The anchor &{anchor.name} is never used in this document.",
            anchor.start,
            anchor.end,
            severity=Severity.LOW,
            tag="unused",
            suggestion=f"Remove &{anchor.name}, or refer to it with *{anchor.name}.",
            edits=[(start, end, "")],
        )

    # What cannot be read ----------------------------------------------------------------------------------

    def _conclude(self, problems: list[Problem], text: str) -> None:
        opinion = None
        only_syntax = all(problem.kind == "syntax" for problem in problems)
        if only_syntax and not self.cyclic and text is self.parsed.text:
            opinion = ask_yaml12(text, self.depth, self.expansion, complete=not problems)
        for problem in problems:
            if problem.kind == "syntax":
                self._syntax(problem, opinion)
            else:
                self._limit(problem)
        if opinion is not None and not opinion.valid and not problems:
            self._stricter(opinion)
        if len(problems) >= _MAX_BROKEN_DOCUMENTS:
            at = problems[-1].offset
            self.reporter.report(
                "yaml/syntax",
                f"Reading stopped after {len(problems)} broken documents; there may be more errors further down.",
                at,
                at,
                severity=Severity.INFO,
            )

    def _syntax(self, problem: Problem, opinion: Opinion | None) -> None:
        found = explain(problem, self.index)
        if opinion is not None and opinion.valid:
            self.reporter.report(
                "yaml/version-difference",
                f"This is valid YAML 1.2, but readers of YAML 1.1 (PyYAML, Go and Ruby tools) reject it: {found.message}",
                found.start,
                found.end,
                severity=Severity.MEDIUM,
                tag="invalid-value",
                suggestion=found.suggestion,
                edits=found.edits,
            )
        else:
            self.reporter.report(
                "yaml/syntax",
                found.message,
                found.start,
                found.end,
                suggestion=found.suggestion,
                edits=found.edits,
            )

    def _stricter(self, opinion: Opinion) -> None:
        try:
            at = self.index.offset(opinion.line, opinion.column)
        except ValueError:
            at = 0
        self.reporter.report(
            "yaml/strict-syntax",
            f"Readers of YAML 1.1 accept this, but YAML 1.2 does not: {opinion.message}.",
            at,
            at + 1,
            severity=Severity.LOW,
            suggestion="Write it so that both versions read it; what stands in brackets is indented deeper than its key.",
        )

    def _limit(self, problem: Problem) -> None:
        limits = self.limits
        message, suggestion = {
            "depth": (
                f"Collections are nested deeper than {limits.max_depth} levels; the document is not read.",
                "Flatten the document; real configuration is rarely deeper than 20 levels.",
            ),
            "nodes": (
                f"The file holds more than {limits.max_nodes:,} values; the rest is not read.",
                "Split the file.",
            ),
            "expansion": (
                f"With its aliases expanded the document would hold more than {limits.max_alias_expansion:,} values; "
                "it is not read. Aliases that grow like this are an attack on readers (billion laughs).",
                "Write the repeated parts out, or do not let aliases contain aliases.",
            ),
            "merge": (
                f"The merge keys ('<<') of this map lead to itself or to more than {limits.max_merge_sources:,} maps; "
                "the document is not read. Merge keys that grow like this are an attack on readers.",
                "Merge each map once.",
            ),
        }[problem.kind]
        self.reporter.report(
            "yaml/too-deep" if problem.kind == "depth" else "yaml/too-large",
            message,
            problem.offset,
            problem.offset + 1,
            tag="invalid-value",
            suggestion=suggestion,
        )
