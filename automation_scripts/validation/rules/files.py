"""Files of business rules: read, checked and compiled. Everything that is wrong is told at once, with its place."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from automation_scripts.results import Severity
from automation_scripts.suggest import nearest
from automation_scripts.validation.documents.classes import CLASSES
from automation_scripts.validation.documents.kinds import known_kinds
from automation_scripts.validation.documents.pointing import part_of
from automation_scripts.validation.documents.selectors import Selector, glob_pattern
from automation_scripts.validation.documents.tree import Kind, Node, ParsedFile
from automation_scripts.validation.parsing.files import parse_file
from automation_scripts.validation.rules.expressions import Expression, ExpressionError
from automation_scripts.validation.rules.types import EXAMPLE_KEYS, KEYS, PLACEHOLDERS, REQUIRED, Rule

_SUFFIXES = (".yaml", ".yml", ".json")
_TOP_KEYS = ("rules", "disable")


@dataclass(frozen=True, slots=True)
class Switch:
    """A rule that a file switches off, and where it says so."""

    id: str
    place: str


@dataclass(slots=True)
class RuleFile:
    """What one file holds."""

    rules: list[Rule] = field(default_factory=list)
    places: dict[str, str] = field(default_factory=dict)
    """Every id of the file and where it stands, also of rules that could not be used."""
    disabled: list[Switch] = field(default_factory=list)


def rule_paths(path: Path, problems: list[str]) -> list[Path]:
    """The files of rules that `path` means: itself, or those in the folder. Problems are added to the list."""
    if path.is_dir():
        files = sorted(file for file in path.rglob("*") if file.suffix in _SUFFIXES and file.is_file())
        if not files:
            problems.append(f"{path} holds no *.yaml file with rules. Put one there, or name a file.")
        return files
    if not path.is_file():
        problems.append(f"{path} does not exist. Give a YAML file with `rules:`, or a folder of them.")
        return []
    return [path]


def read_rule_file(path: Path, problems: list[str]) -> RuleFile:
    """Read one file. What cannot be used is left out, and said in `problems`: file, line, key, what is allowed."""
    parsed = parse_file(path, str(path))
    broken = [finding for finding in parsed.findings if finding.severity.at_least(Severity.HIGH)]
    if not broken and not parsed.documents:
        broken = parsed.findings[:1]
    if broken:
        problems += [f"{path}:{finding.line or 1}: {finding.message}" for finding in broken]
        return RuleFile()
    if not parsed.documents:
        problems.append(f"{path}:1: the file is empty. It needs a key `rules` with a list of rules.")
    reader = _Reader(parsed, problems)
    for document in parsed.documents:
        reader.read(document.root.resolved())
    return reader.result


class _Reader:
    """The way from one parsed file to its rules."""

    def __init__(self, parsed: ParsedFile, problems: list[str]) -> None:
        self._file = parsed
        self._problems = problems
        self.result = RuleFile()

    def _place(self, node: Node) -> str:
        return f"{self._file.name}:{node.span.line}"

    def _problem(self, node: Node, text: str) -> None:
        self._problems.append(f"{self._place(node)}: {text}")

    def read(self, root: Node) -> None:
        if root.kind is not Kind.MAP or not any(root.entry(key) for key in _TOP_KEYS):
            self._problem(root, "expected a key `rules` with a list of rules.")
            return
        for key, _ in root.entries:
            self._check_key(key, _TOP_KEYS)
        listed, off = root.entry("rules"), root.entry("disable")
        if listed is not None:
            if listed[1].resolved().kind is Kind.SEQ:
                for child in listed[1].resolved().children:
                    self._rule(child.resolved())
            else:
                self._problem(listed[0], "expected a key `rules` with a list of rules.")
        if off is not None:
            self._disable(*off)

    def _disable(self, key: Node, value: Node) -> None:
        value = value.resolved()
        ids = [child.resolved() for child in value.children]
        if value.kind is not Kind.SEQ or any(child.kind is not Kind.SCALAR for child in ids):
            self._problem(key, "`disable` is a list of the ids of rules, such as [k8s/image-latest].")
            return
        self.result.disabled += [Switch(child.value, self._place(child)) for child in ids]

    def _rule(self, node: Node) -> None:
        before = len(self._problems)
        if node.kind is not Kind.MAP:
            self._problem(node, f"a rule is a mapping with {', '.join(KEYS)}.")
            return
        texts: dict[str, Node] = {}
        examples: dict[str, tuple[str, ...]] = {}
        for key, value in node.entries:
            self._collect(key, value.resolved(), texts, examples)
        missing = [name for name in REQUIRED if node.entry(name) is None]
        if missing:
            self._problem(node, f"the rule needs {', '.join(f'`{name}`' for name in missing)}.")
        if "id" in texts:
            self._remember(texts["id"])
        self._check_word(texts.get("severity"), list(Severity), "severity")
        self._check_word(texts.get("class"), CLASSES, "class")
        self._check_kind(texts.get("kind"))
        self._check_message(texts.get("message"))
        when, holds = self._expression(texts.get("when"), "when"), self._expression(texts.get("assert"), "assert")
        select, file = self._selector(texts.get("select")), self._glob(texts.get("file"))
        if len(self._problems) > before or holds is None or select is None:
            return
        text = {name: value.value for name, value in texts.items()}
        rule = Rule(
            id=text["id"],
            severity=Severity(text.get("severity", "medium")),
            tag=text["class"],
            select=select,
            holds=holds,
            when=when,
            message=text["message"],
            kind=text.get("kind", ""),
            file=file,
            suggestion=text.get("suggestion"),
            fix=text.get("fix"),
            bad=examples.get("bad", ()),
            good=examples.get("good", ()),
        )
        self.result.rules.append(rule)

    def _collect(self, key: Node, value: Node, texts: dict[str, Node], examples: dict[str, tuple[str, ...]]) -> None:
        if not self._check_key(key, KEYS):
            return
        name = key.value
        listed = value.children if value.kind is Kind.SEQ and name in EXAMPLE_KEYS else [value]
        items = [item.resolved() for item in listed]
        if any(item.kind is not Kind.SCALAR for item in items):
            also = ", or a list of texts" if name in EXAMPLE_KEYS else ""
            self._problem(key, f"`{name}` is a text{also}, not a {value.kind}.")
        elif any(not item.value.strip() for item in items):
            self._problem(key, f"`{name}` is empty. Write its text, or remove the key.")
        elif name in EXAMPLE_KEYS:
            examples[name] = tuple(item.value for item in items)
        else:
            texts[name] = value

    def _remember(self, node: Node) -> None:
        first = self.result.places.setdefault(node.value, self._place(node))
        if first != self._place(node):
            self._problem(node, f"the id '{node.value}' is used twice; line {first.rpartition(':')[2]} has it too.")

    def _check_key(self, key: Node, known: Sequence[str]) -> bool:
        if key.kind is Kind.SCALAR and key.value in known:
            return True
        self._problem(key, f"unknown key '{key.value[:80]}'.{_hint(key.value, known)} Known: {', '.join(known)}.")
        return False

    def _check_word(self, node: Node | None, known: Sequence[str], what: str) -> None:
        if node is not None and node.value not in known:
            hint = _hint(node.value, known)
            self._problem(node, f"unknown {what} '{node.value[:80]}'.{hint} Known: {', '.join(known)}.")

    def _check_kind(self, node: Node | None) -> None:
        known = sorted({kind.name for kind in known_kinds()})
        for part in node.value.split("|") if node is not None else ():
            name, slash, object_kind = part.strip().partition("/")
            if node is not None and name not in known:
                self._problem(node, f"unknown kind '{name[:80]}'.{_hint(name, known)} Known: {', '.join(known)}.")
            elif node is not None and slash and (name != "kubernetes" or not object_kind):
                self._problem(
                    node, f"unknown kind '{part.strip()[:80]}': only kubernetes has kinds, as kubernetes/Pod."
                )

    def _check_message(self, node: Node | None) -> None:
        for word in re.findall(r"\{(\w+)\}", node.value) if node is not None else ():
            if node is not None and word not in PLACEHOLDERS and (guess := nearest(word, PLACEHOLDERS)):
                known = ", ".join(f"{{{name}}}" for name in PLACEHOLDERS)
                self._problem(node, f"unknown {{{word}}} in `message`. Did you mean '{{{guess}}}'? Known: {known}.")

    def _expression(self, node: Node | None, key: str) -> Expression | None:
        if node is None:
            return None
        try:
            # The compiler takes UTF-8, which has no lone surrogates.
            return Expression(node.value.encode("utf-8", "replace").decode())
        except ExpressionError as error:
            line, column = self._inside(node, error)
            self._problems.append(f"{self._file.name}:{line}: `{key}`: {error} (column {column}).")
            return None

    def _inside(self, node: Node, error: ExpressionError) -> tuple[int, int]:
        """Line and column in the file of a place within an expression; the start of the expression when unknown."""
        lines = node.value.split("\n")
        start = sum(len(line) + 1 for line in lines[: error.line - 1]) + error.column - 1
        word = re.compile(r"\w+|\S|$").match(node.value, max(start, 0))
        if error.column < 1 or start < 0 or word is None or not word[0]:
            return node.span.line, node.span.column
        span = part_of(self._file, node, start, word.end())
        return span.line, span.column

    def _selector(self, node: Node | None) -> Selector | None:
        try:
            return Selector(node.value) if node is not None else None
        except ValueError as error:
            self._problem_at(node, f"`select`: {error}. A path is written as spec.**.containers[*].image.")
            return None

    def _glob(self, node: Node | None) -> re.Pattern[str] | None:
        try:
            return glob_pattern(node.value) if node is not None else None
        except ValueError as error:
            self._problem_at(node, f"`file`: {error}. A glob is written as **/production/*.yaml.")
            return None

    def _problem_at(self, node: Node | None, text: str) -> None:
        if node is not None:
            self._problem(node, text)


def _hint(word: str, known: Sequence[str]) -> str:
    guess = nearest(word[:80], known)
    return f" Did you mean '{guess}'?" if guess else ""
