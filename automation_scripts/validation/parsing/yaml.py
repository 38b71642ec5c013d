"""YAML text to one positioned tree a document, with everything that is wrong with the syntax as findings.

Reading goes on behind a syntax error at the next document. libyaml reads, which is a reader of YAML 1.1;
where YAML 1.2.2 gives another verdict, `second_opinion` says so.
"""

from __future__ import annotations

import re
from itertools import islice
from pathlib import Path

from automation_scripts.results import Severity
from automation_scripts.validation.documents.reporting import Reporter
from automation_scripts.validation.documents.tree import Document, Format, ParsedFile
from automation_scripts.validation.input.limits import DEFAULT_LIMITS, Limits
from automation_scripts.validation.input.text import LineIndex
from automation_scripts.validation.parsing.budget import CpuBudget
from automation_scripts.validation.parsing.collector import collector_paused
from automation_scripts.validation.parsing.isolated import yaml12_opinion
from automation_scripts.validation.parsing.reading_differences import first_difference, may_read_differently
from automation_scripts.validation.parsing.second_opinion import Opinion, may_differ
from automation_scripts.validation.parsing.yaml12_events import events_of
from automation_scripts.validation.parsing.yaml_builder import TreeBuilder
from automation_scripts.validation.parsing.yaml_document_findings import report_document
from automation_scripts.validation.parsing.yaml_documents import BuiltDocument, Problem
from automation_scripts.validation.parsing.yaml_errors import explain
from automation_scripts.validation.parsing.yaml_events import EventReader

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
        self.budget = CpuBudget(limits.cpu_s(len(parsed.text)))

    def run(self) -> None:
        text = self._printable(self.parsed.text)
        built, problems = self._read(text)
        opinion = None
        only_syntax = all(problem.kind == "syntax" for problem in problems)
        cyclic = any(document.cycles for document in built)
        if only_syntax and not cyclic and text is self.parsed.text:
            two_trees = may_read_differently(text, built)
            if problems or two_trees or may_differ(text, built):
                opinion = yaml12_opinion(text, built, problems)
            if opinion is not None and opinion.valid and (problems or two_trees):
                built = self._read_as_yaml12(text, built, problems)
        for number, document in enumerate(built):
            if document.root is not None:
                self.parsed.documents.append(Document(document.root, number))
            report_document(document, self.reporter)
        self._conclude(problems, opinion)
        self.parsed.findings.extend(self.reporter.ordered())

    def _read(self, text: str) -> tuple[list[BuiltDocument], list[Problem]]:
        """Every document by YAML 1.1, also those behind a broken one, and what broke."""
        reader = EventReader(text, self.index.starts, self.limits, self.budget)
        built: list[BuiltDocument] = []
        problems: list[Problem] = []
        base = 0
        while (problem := reader.read(base, built.append)) is not None:
            problems.append(problem)
            if problem.kind in ("nodes", "time") or len(problems) >= _MAX_BROKEN_DOCUMENTS:
                break
            latest = built[-1].start if built else 0
            following = _DOCUMENT.search(text, max(problem.offset, latest + 1, base + 1))
            if following is None:
                break
            base = following.start()
        return built, problems

    def _read_as_yaml12(self, text: str, built: list[BuiltDocument], problems: list[Problem]) -> list[BuiltDocument]:
        """The documents of a text that YAML 1.2 accepts, as it reads them; those of YAML 1.1 when a limit is met."""
        builder = TreeBuilder(text, self.index.starts, self.limits, self.budget, 0, 0)
        found: list[BuiltDocument] = []
        try:
            if builder.run(events_of(text), found.append) is not None:
                return built
        except RecursionError:
            return built
        if not problems:
            other = first_difference(built, found)
            if other is None:
                return built
            self.reporter.report(
                "yaml/version-difference",
                "From here on readers of YAML 1.1 see another tree than readers of YAML 1.2.",
                other.span.start,
                max(other.span.end, other.span.start + 1),
                severity=Severity.LOW,
                tag="invalid-value",
                suggestion="Quote the text, and write line breaks and names of anchors so that both versions know them.",
            )
        return found

    def _printable(self, text: str) -> str:
        """The text with each forbidden character reported and replaced: offsets stay, and reading goes on."""
        found = list(islice(_FORBIDDEN.finditer(text), self.limits.max_findings + 1))
        for match in found:
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

    # What cannot be read ----------------------------------------------------------------------------------

    def _conclude(self, problems: list[Problem], opinion: Opinion | None) -> None:
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
            # Tools read lines that are indented too little without a word, so people write them.
            severity=Severity.INFO if "invalid indentation" in opinion.message else Severity.LOW,
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
                f"The file holds more than {limits.nodes(len(self.index.text)):,} values; the rest is not read.",
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
            "time": (
                "Reading the file takes too long; the rest is not read.",
                "Split the file.",
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
