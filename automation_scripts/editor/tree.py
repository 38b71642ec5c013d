"""The checked tree as an editor sees it: files on disk, and the unsaved texts of those that are open."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from automation_scripts.errors import AutomationError
from automation_scripts.results import Finding
from automation_scripts.validation import checks
from automation_scripts.validation.documents.corpus import Corpus
from automation_scripts.validation.documents.tree import ParsedFile
from automation_scripts.validation.fixes.plan import FixPlan
from automation_scripts.validation.fixes.plan_fixes import plan_fixes
from automation_scripts.validation.input.discovery import ConfigFile, Discovery, discover
from automation_scripts.validation.input.file_kinds import kind_of
from automation_scripts.validation.parameters import ConfigValidatorParameters
from automation_scripts.validation.parsing.files import parse_file, parse_text
from automation_scripts.validation.validate import baseline_of, everything, limits_of, reviewed

_NOT_RUN = ("command", "expectation")
"""Families that take too long while somebody types."""


class CheckedTree:
    """All configuration files of a folder. Safe for several threads; each answer is about one state of the tree.

    Args:
        root: the folder.
        parameters: how to check; `config_path` is the root.
        environment: what rules see as `environment`.

    Raises:
        InvalidParameters: a rule, schema or baseline file is wrong.
    """

    def __init__(self, root: Path, parameters: ConfigValidatorParameters, environment: str | None = None) -> None:
        self.root = root.absolute()
        self._parameters = parameters
        self._limits = limits_of(parameters)
        self._environment = environment
        self._rules = checks.chosen_rules(parameters)
        self._look = checks.of_one_file(self.root, parameters, environment)
        self._baseline = baseline_of(parameters)
        self._lock = threading.Lock()
        self._found = Discovery(self.root)
        self._files: dict[str, ParsedFile] = {}
        self._open: set[str] = set()

    def load(self) -> None:
        """Read the tree from disk; texts of open files stay."""
        try:
            found = discover(self.root, self._limits)
        except AutomationError:  # no configuration yet: the first file may be the one that is being written
            found = Discovery(self.root)
        read = {file.name: self._read(file) for file in found.files}
        with self._lock:
            self._found = found
            self._files = read | {name: self._files[name] for name in self._open if name in self._files}

    def name_of(self, path: Path) -> str:
        """What findings call a file."""
        path = path.absolute()
        return path.relative_to(self.root).as_posix() if path.is_relative_to(self.root) else path.name

    def is_configuration(self, path: Path) -> bool:
        """Whether a file of this name is checked."""
        return kind_of(path.as_posix()) is not None

    def put(self, path: Path, text: str) -> ParsedFile:
        """Take the unsaved text of an open file."""
        name = self.name_of(path)
        parsed = parse_text(path.absolute(), name, text, self._limits)
        with self._lock:
            self._files[name] = parsed
            self._open.add(name)
        return parsed

    def close(self, path: Path) -> None:
        """Go back to what is on disk; a file that is not there is forgotten."""
        name = self.name_of(path)
        read = self._read(ConfigFile(name, path)) if path.is_file() else None
        with self._lock:
            self._open.discard(name)
            self._files.pop(name, None)
            if read is not None:
                self._files[name] = read

    def findings_of(self, file: ParsedFile) -> list[Finding]:
        """What can be said of one file at once, without the others."""
        found = self._reported([file], [self._look(file)])
        # What other files bring about may be what a suppression is for.
        return [finding for finding in found if finding.rule_id != "suppression/unused"]

    def findings(self) -> dict[str, list[Finding]]:
        """What is found in the whole tree, by file."""
        with self._lock:
            files, found = [self._files[name] for name in sorted(self._files)], self._found
        corpus = Corpus(files)
        families = [
            checks.versions(corpus),
            checks.schemas(corpus, self.root, self._parameters),
            checks.rules(corpus, self._rules, self._environment),
            checks.inconsistencies(corpus, found.env_files),
            checks.security(corpus),
        ]
        families.append(checks.learned(corpus, [finding for family in families for finding in family]))
        by_file: dict[str, list[Finding]] = defaultdict(list)
        for finding in self._reported(files, [found.findings, *families]):
            by_file[finding.file or ""].append(finding)
        return by_file

    def corrections(self, file: ParsedFile, findings: Sequence[Finding]) -> FixPlan:
        """The corrections of one file that are safe together, each proved on a copy."""
        return plan_fixes([file], findings, self._look, limits=self._limits)

    def file(self, path: Path) -> ParsedFile | None:
        """The file as it is known now."""
        with self._lock:
            return self._files.get(self.name_of(path))

    def _read(self, file: ConfigFile) -> ParsedFile:
        return parse_file(file.path, file.name, self._limits, file.kind)

    def _reported(self, files: Sequence[ParsedFile], families: Sequence[Sequence[Finding]]) -> list[Finding]:
        found, corpus = Discovery(self.root), Corpus(list(files))
        findings = everything(found, corpus, families, self._parameters)
        return reviewed(findings, found, corpus, self._parameters, baseline=self._baseline, not_run=_NOT_RUN).findings
