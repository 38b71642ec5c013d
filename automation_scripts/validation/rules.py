"""Business rules: YAML data with CEL expressions, ours and the users' alike.

A rule selects nodes and says what must hold of each::

    rules:
      - id: shop/replicas
        severity: high
        class: invalid-value
        kind: kubernetes                     # optional: the kind of document (see kinds.yaml)
        file: "**/production/**"             # optional: a glob over the file's name
        select: spec.replicas                # a path with wildcards (see selectors)
        when: document.kind == "Deployment"  # optional CEL
        assert: value >= 2                   # CEL
        message: "{path} is {value}: production needs two at least"
        suggestion: Set it to 2 or more.
        fix: "2"                             # optional: the text to put in place of the selected scalar
        bad: |                               # examples, which `check_examples` runs
          ...
        good: |
          ...
    disable: [k8s/image-latest]              # built-in rules that are not wanted
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from automation_scripts.errors import InvalidParameters
from automation_scripts.results import Finding, Severity
from automation_scripts.suggest import nearest
from automation_scripts.validation.corpus import CheckedDocument, Corpus
from automation_scripts.validation.expressions import EvaluationError, Expression, ExpressionError
from automation_scripts.validation.parsing import parse_file, parse_text
from automation_scripts.validation.pointing import head, path_text, replace
from automation_scripts.validation.selectors import Match, Selector, glob_pattern
from automation_scripts.validation.tree import Kind, Node, ParsedFile
from automation_scripts.validation.yaml_data import to_data

BUILT_IN = Path(__file__).parent / "rules"
TEXT_KEYS = ("id", "severity", "class", "kind", "file", "select", "when", "assert", "message", "suggestion", "fix")
KEYS = (*TEXT_KEYS, "bad", "good")
REQUIRED = ("id", "class", "select", "assert", "message")
CLASSES = (
    "privileged",
    "latest-tag",
    "docker-sock",
    "host-namespace",
    "host-mount",
    "secret-env",
    "hardcoded-secret",
    "wildcard-perm",
    "writable-rootfs",
    "dangerous-cap",
    "priv-escalation",
    "auth-off",
    "open-to-world",
    "unencrypted",
    "no-limits",
    "dangling-ref",
    "deprecated-api",
    "dup-key",
    "dup-env",
    "dup-name",
    "conflict",
    "unknown-key",
    "missing-required",
    "wrong-type",
    "invalid-enum",
    "invalid-value",
    "cycle",
    "injection",
    "syntax",
    "unused",
    "drift",
    "port-collision",
    "outlier",
)
MOST_FINDINGS = 200
"""Findings of one rule."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule, compiled. The fields are those of the file."""

    id: str
    severity: Severity
    tag: str
    select: Selector
    holds: Expression
    message: str
    when: Expression | None = None
    kind: str = ""
    file: re.Pattern[str] | None = None
    suggestion: str | None = None
    fix: str | None = None
    bad: str = ""
    good: str = ""

    def concerns(self, document: CheckedDocument) -> bool:
        """Whether the rule looks at documents like this one."""
        if self.kind and document.kind not in self.kind.split("|"):
            return False
        return self.file is None or self.file.fullmatch(document.file.name) is not None


def load_rules(paths: Sequence[Path]) -> list[Rule]:
    """The built-in rules and those of `paths` (files, or folders of them). The same id replaces a built-in rule.

    Raises:
        InvalidParameters: a file cannot be read or used; one line a problem, with file, line and key.
    """
    rules: dict[str, Rule] = {}
    disabled: set[str] = set()
    for file in (*sorted(BUILT_IN.glob("*.yaml")), *(file for path in paths for file in _files(path))):
        loaded, off = _read(file)
        rules |= {rule.id: rule for rule in loaded}
        disabled |= off
    if unknown := disabled - set(rules):
        raise InvalidParameters(f"rules_path: `disable` names unknown rules: {', '.join(sorted(unknown))}.")
    return [rule for rule in rules.values() if rule.id not in disabled]


def check_rules(
    files: Sequence[ParsedFile] | Corpus, rules: Sequence[Rule], environment: str | None = None
) -> list[Finding]:
    """What breaks a rule, in the order of the rules. An expression that cannot be evaluated is a finding too."""
    corpus = Corpus.of_files(files)
    found = []
    for rule in rules:
        number = 0
        for document in corpus.documents:
            if number < MOST_FINDINGS and rule.concerns(document):
                for finding in _broken(rule, document, environment or ""):
                    found.append(finding)
                    number += 1
    return found


def check_examples(rule: Rule) -> list[str]:
    """What is wrong with a rule's own examples: `bad` must break it, `good` must not. Empty when all is well."""
    problems = []
    for name, text, wanted in (("bad", rule.bad, True), ("good", rule.good, False)):
        if not text:
            continue
        parsed = parse_text(Path("/example.yaml"), "example.yaml", text)
        any_kind = Rule(**{**{f: getattr(rule, f) for f in Rule.__slots__}, "kind": "", "file": None})
        broken = bool(check_rules([parsed], [any_kind]))
        if broken is not wanted:
            problems.append(f"{rule.id}: the {name} example {'does not break' if wanted else 'breaks'} the rule")
    return problems


def _broken(rule: Rule, document: CheckedDocument, environment: str) -> Iterator[Finding]:
    for match in rule.select.find(document.index):
        if match.node.kind is Kind.ALIAS:
            continue
        variables = _Variables(rule, document, match, environment)
        try:
            if rule.when is not None and not rule.when.holds(variables.of(rule.when)):
                continue
            if rule.holds.holds(variables.of(rule.holds)):
                continue
        except EvaluationError as error:
            yield document.finding(
                head(match.key, match.node),
                rule.id,
                Severity.INFO,
                f"The rule {rule.id} cannot be evaluated for {path_text(match.path)}: {error}",
                "invalid-value",
                path=match.path,
                suggestion="Guard the expression with `when`, for example has(value.key).",
            )
            continue
        edits = ()
        if rule.fix is not None and match.node.kind is Kind.SCALAR and match.node.span.start < match.node.span.end:
            edits = (replace(document.file, match.node.span, rule.fix),)  # type: ignore[assignment]
        yield document.finding(
            head(match.key, match.node),
            rule.id,
            rule.severity,
            _filled(rule.message, match),
            rule.tag,
            path=match.path,
            suggestion=rule.suggestion,
            fix=edits,
        )


class _Variables:
    """What an expression may name, made only when it names it."""

    def __init__(self, rule: Rule, document: CheckedDocument, match: Match, environment: str) -> None:
        self._document = document
        self._match = match
        self._environment = environment
        self._made: dict[str, Any] = {}

    def of(self, expression: Expression) -> dict[str, Any]:
        return {name: self._value(name) for name in expression.needs}

    def _value(self, name: str) -> Any:
        if name not in self._made:
            self._made[name] = self._make(name)
        return self._made[name]

    def _make(self, name: str) -> Any:
        match, document = self._match, self._document
        if name == "value":
            return to_data(match.node)
        if name == "parent":
            return to_data(match.parent) if match.parent is not None else None
        if name == "document":
            return to_data(document.root)
        plain = {
            "key": match.key.value if match.key is not None else "",
            "file": document.file.name,
            "path": path_text(match.path),
            "kind": document.kind,
            "environment": self._environment,
        }
        return plain[name]


def _filled(message: str, match: Match) -> str:
    value = match.node.value if match.node.kind is Kind.SCALAR else f"a {match.node.kind.value}"
    words = {"value": value[:80], "path": path_text(match.path), "key": match.key.value if match.key else ""}
    return re.sub(r"\{(\w+)\}", lambda found: words.get(found[1], found[0]), message)


# Reading a file of rules


def _files(path: Path) -> list[Path]:
    if path.is_dir():
        files = sorted(file for file in path.rglob("*") if file.suffix in (".yaml", ".yml") and file.is_file())
        if not files:
            raise InvalidParameters(f"rules_path: {path} holds no *.yaml file with rules.")
        return files
    if not path.is_file():
        raise InvalidParameters(f"rules_path: {path} does not exist. Give a YAML file with `rules:`, or a folder.")
    return [path]


def _read(path: Path) -> tuple[list[Rule], set[str]]:
    parsed = parse_file(path, str(path))
    broken = [finding for finding in parsed.findings if finding.severity.at_least(Severity.HIGH)]
    if broken or not parsed.documents:
        said = f"{path}:{broken[0].line}: {broken[0].message}" if broken else f"{path}: the file is empty."
        raise InvalidParameters(f"rules_path: {said}")
    problems: list[str] = []
    root = parsed.documents[0].root.resolved()
    listed = root.get("rules")
    if root.kind is not Kind.MAP or listed is None or listed.kind is not Kind.SEQ:
        raise InvalidParameters(f"rules_path: {path}:{root.span.line}: expected a key `rules` with a list of rules.")
    for key, _ in root.entries:
        if key.value not in ("rules", "disable"):
            problems.append(f"{path}:{key.span.line}: unknown key '{key.value}'. Known: rules, disable.")
    rules = [rule for child in listed.children if (rule := _rule(child.resolved(), path, problems)) is not None]
    seen: set[str] = set()
    for rule in rules:
        if rule.id in seen:
            problems.append(f"{path}: the id '{rule.id}' is used twice.")
        seen.add(rule.id)
    if problems:
        raise InvalidParameters("\n".join(f"rules_path: {problem}" for problem in problems))
    off = root.get("disable")
    return rules, {child.resolved().value for child in off.children} if off is not None else set()


def _rule(node: Node, path: Path, problems: list[str]) -> Rule | None:
    before = len(problems)
    if node.kind is not Kind.MAP:
        problems.append(f"{path}:{node.span.line}: a rule is a mapping with {', '.join(KEYS)}.")
        return None
    texts: dict[str, Node] = {}
    for key, value in node.entries:
        target = value.resolved()
        if key.value not in KEYS:
            guess = nearest(key.value, KEYS)
            hint = f" Did you mean '{guess}'?" if guess else ""
            problems.append(f"{path}:{key.span.line}: unknown key '{key.value}'.{hint} Known: {', '.join(KEYS)}.")
        elif target.kind is not Kind.SCALAR:
            problems.append(f"{path}:{key.span.line}: `{key.value}` is a text.")
        else:
            texts[key.value] = target
    for key_text in REQUIRED:
        if key_text not in texts or not texts[key_text].value:
            problems.append(f"{path}:{node.span.line}: the rule needs `{key_text}`.")
    _check_word(texts.get("severity"), list(Severity), "severity", path, problems)
    _check_word(texts.get("class"), CLASSES, "class", path, problems)
    when = _expression(texts.get("when"), path, problems)
    holds = _expression(texts.get("assert"), path, problems)
    select = _selector(texts.get("select"), path, problems)
    if len(problems) > before or holds is None or select is None:
        return None
    text = {key_text: value.value for key_text, value in texts.items()}
    return Rule(
        id=text["id"],
        severity=Severity(text.get("severity", "medium")),
        tag=text["class"],
        select=select,
        holds=holds,
        when=when,
        message=text["message"],
        kind=text.get("kind", ""),
        file=glob_pattern(text["file"]) if "file" in text else None,
        suggestion=text.get("suggestion"),
        fix=text.get("fix"),
        bad=text.get("bad", ""),
        good=text.get("good", ""),
    )


def _check_word(node: Node | None, known: Sequence[str], what: str, path: Path, problems: list[str]) -> None:
    if node is not None and node.value not in known:
        guess = nearest(node.value, known)
        hint = f" Did you mean '{guess}'?" if guess else ""
        problems.append(f"{path}:{node.span.line}: unknown {what} '{node.value}'.{hint} Known: {', '.join(known)}.")


def _expression(node: Node | None, path: Path, problems: list[str]) -> Expression | None:
    if node is None or not node.value:
        return None
    try:
        return Expression(node.value)
    except ExpressionError as error:
        problems.append(f"{path}:{node.span.line}: {error} (in the expression, column {error.column}).")
        return None


def _selector(node: Node | None, path: Path, problems: list[str]) -> Selector | None:
    if node is None or not node.value:
        return None
    try:
        return Selector(node.value)
    except ValueError as error:
        problems.append(f"{path}:{node.span.line}: `select` {error}.")
        return None
