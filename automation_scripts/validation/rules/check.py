"""Business rules: YAML data with CEL expressions, ours and the users' alike.

A rule selects nodes and says what must hold of each::

    rules:
      - id: shop/replicas
        severity: high                       # optional: medium by default
        class: invalid-value                 # the kind of mistake, see documents.classes
        kind: kubernetes/Deployment          # optional: the kind of document (kinds.yaml), of a Kubernetes object
        file: "**/production/**"             # optional: a glob over the file's name
        select: spec.replicas                # a path with wildcards (see selectors)
        when: environment == "production"    # optional CEL
        assert: value >= 2                   # CEL; see expressions for variables and functions
        message: "{path} is {value}: production needs two at least"
        suggestion: Set it to 2 or more.
        fix: "2"                             # optional: the text to put in place of the selected scalar
        bad: |                               # examples, or lists of them, which `check_examples` runs
          ...
        good: |
          ...
    disable: [k8s/image-latest]              # built-in rules that are not wanted

A value with a tag of its own (`!Ref Name`) is made by another tool and is not judged.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path

from automation_scripts.errors import InvalidParameters
from automation_scripts.results import Finding, Severity, TextEdit
from automation_scripts.suggest import nearest
from automation_scripts.validation.documents.corpus import Corpus
from automation_scripts.validation.documents.pointing import head, path_text, replace
from automation_scripts.validation.documents.selectors import Match
from automation_scripts.validation.documents.tree import Format, Kind, Node, ParsedFile, Style
from automation_scripts.validation.rules.data import DocumentData
from automation_scripts.validation.rules.expressions import EvaluationError
from automation_scripts.validation.rules.files import RuleFile, Switch, read_rule_file, rule_paths
from automation_scripts.validation.rules.index import RuleIndex
from automation_scripts.validation.rules.types import KEYS, PLACEHOLDERS, Rule

__all__ = ["BUILT_IN", "KEYS", "Rule", "check_examples", "check_rules", "load_rules", "rules_in"]

BUILT_IN = Path(__file__).parent / "built_in"
MOST_FINDINGS = 200
"""Findings of one rule in one document; the last one says how many more there are."""
MOST_ERRORS = 10
"""Nodes on which a rule may fail to be evaluated before it is stopped for the whole run."""
MOST_WORK = 3_000_000
"""Nodes that the expressions of one rule are given in one document, all evaluations together."""
_STANDARD_TAG = ("tag:yaml.org,2002:", "!!", "?")


def load_rules(paths: Sequence[Path]) -> list[Rule]:
    """The built-in rules and those of `paths` (files, or folders of them). The same id replaces a built-in rule.

    Raises:
        InvalidParameters: a file cannot be read or used; one line a problem, with file, line and key.
    """
    problems: list[str] = []
    rules = {rule.id: rule for rule in _built_in()}
    own: dict[str, str] = {}
    switches: list[Switch] = []
    for file in (file for path in paths for file in rule_paths(path, problems)):
        read = read_rule_file(file, problems)
        for rule_id, place in read.places.items():
            if rule_id in own:
                problems.append(f"{place}: the id '{rule_id}' is used twice; {own[rule_id]} has it too.")
            own.setdefault(rule_id, place)
        rules |= {rule.id: rule for rule in read.rules}
        switches += read.disabled
    known = {*rules, *own}
    for switch in switches:
        if switch.id not in known:
            guess = nearest(switch.id, known)
            hint = f" Did you mean '{guess}'?" if guess else ""
            problems.append(f"{switch.place}: `disable` names unknown rules: {switch.id}.{hint}")
    if problems:
        raise InvalidParameters("\n".join(f"rules_path: {problem}" for problem in problems))
    disabled = {switch.id for switch in switches}
    return [rule for rule in rules.values() if rule.id not in disabled]


def rules_in(paths: Sequence[Path]) -> list[Rule]:
    """The rules of these files or folders alone; without paths the built-in ones.

    Raises:
        InvalidParameters: as `load_rules`.
    """
    if not paths:
        return list(_built_in())
    load_rules(paths)  # tells all that is wrong with them at once
    return [rule for path in paths for file in rule_paths(path, []) for rule in read_rule_file(file, []).rules]


@lru_cache(maxsize=1)
def _built_in() -> tuple[Rule, ...]:
    problems: list[str] = []
    files: list[RuleFile] = [read_rule_file(file, problems) for file in sorted(BUILT_IN.glob("*.yaml"))]
    if problems:
        raise InvalidParameters("\n".join(problems))
    return tuple(rule for file in files for rule in file.rules)


def check_rules(
    files: Sequence[ParsedFile] | Corpus, rules: Sequence[Rule], environment: str | None = None
) -> list[Finding]:
    """What breaks a rule, in the order of the rules. An expression that cannot be evaluated is a finding too."""
    index = RuleIndex(rules)
    documents = [
        (DocumentData(document, environment or ""), index.keys(document.index.by_key))
        for document in Corpus.of_files(files).documents
    ]
    by_kind: dict[str, list[tuple[DocumentData, int]]] = defaultdict(list)
    for data, keys in documents:
        by_kind[data.document.kind].append((data, keys))
    found: list[Finding] = []
    for rule in rules:
        errors = 0
        names = {name for name, _ in rule.kinds}
        for data, keys in by_kind[names.pop()] if len(names) == 1 else documents:
            if errors >= MOST_ERRORS or not index.may_match(rule, keys) or not rule.concerns(data.document):
                continue
            number = 0
            for finding, is_error in judge(rule, data):
                errors += is_error
                number += 1
                if number <= MOST_FINDINGS:
                    found.append(finding)
                if errors >= MOST_ERRORS:
                    found.append(_stopped(rule, data, f"It failed {errors} times", None))
                    break
            if number > MOST_FINDINGS:
                found.append(_stopped(rule, data, f"It has {number - MOST_FINDINGS} more findings here", None))
    return found


def judge(rule: Rule, data: DocumentData) -> Iterator[tuple[Finding, bool]]:
    """The findings of one rule in one document, each with whether it only says that an evaluation failed."""
    document = data.document
    work = 0
    for match in rule.select.find(document.index):
        if match.node.kind is Kind.ALIAS or _has_own_tag(match.node):
            continue
        if work > MOST_WORK:
            yield _stopped(rule, data, "Its expressions take too much of this document", match), True
            return
        try:
            broken, cost = _is_broken(rule, data, match)
            work += cost
        except EvaluationError as error:
            yield _failed(rule, data, match, error), True
            continue
        if broken:
            finding = document.finding(
                head(match.key, match.node),
                rule.id,
                rule.severity,
                _filled(rule.message, data, match),
                rule.tag,
                path=match.path,
                suggestion=rule.suggestion,
                fix=_fix(rule, document.file, match.node),
            )
            yield finding, False


def _is_broken(rule: Rule, data: DocumentData, match: Match) -> tuple[bool, int]:
    cost = 0
    if rule.when is not None:
        variables, cost = data.variables(rule.when, match)
        if not rule.when.holds(variables):
            return False, cost
    variables, more = data.variables(rule.holds, match)
    return not rule.holds.holds(variables), cost + more


def _has_own_tag(node: Node) -> bool:
    return node.tag is not None and node.tag != "!" and not node.tag.startswith(_STANDARD_TAG)


def _failed(rule: Rule, data: DocumentData, match: Match, error: EvaluationError) -> Finding:
    return data.document.finding(
        head(match.key, match.node),
        rule.id,
        Severity.INFO,
        f"The rule {rule.id} cannot be evaluated for {path_text(match.path) or 'the document'}: {error}.",
        "invalid-value",
        path=match.path,
        suggestion="Guard the expression with `when`, for example type(value) == int, or has(value.key).",
    )


def _stopped(rule: Rule, data: DocumentData, reason: str, match: Match | None) -> Finding:
    root = data.document.root
    return data.document.finding(
        head(match.key, match.node) if match else head(None, root),
        rule.id,
        Severity.INFO,
        f"The rule {rule.id} was stopped: not everything was checked with it. {reason}.",
        "invalid-value",
        path=match.path if match else (),
        suggestion="Let the rule select less, or guard it with `when`.",
    )


def _fix(rule: Rule, file: ParsedFile, node: Node) -> tuple[TextEdit, ...]:
    if rule.fix is None or node.kind is not Kind.SCALAR or node.anchor is not None or node.tag is not None:
        return ()
    if node.span.start == node.span.end or node.style in (Style.LITERAL, Style.FOLDED):
        return ()
    return (replace(file, node.span, rule.fix if file.format is Format.YAML else _as_json(rule.fix)),)


def _as_json(text: str) -> str:
    try:
        json.loads(text)
    except ValueError:
        return json.dumps(text)
    return text


def _filled(message: str, data: DocumentData, match: Match) -> str:
    node = match.node
    value = " ".join(node.value[:400].split()) if node.kind is Kind.SCALAR else f"a {node.kind.value}"
    key = match.key.value if match.key else ""
    texts = (value[:80], path_text(match.path) or "The document", key[:80], data.document.file.name)
    words = dict(zip(PLACEHOLDERS, texts, strict=True))
    return re.sub(r"\{(\w+)\}", lambda found: words.get(found[1], found[0]), message)


def check_examples(rule: Rule, environment: str = "") -> list[str]:
    """What is wrong with a rule's own examples: each `bad` must break it, no `good` may. Empty when all is well.

    An example counts as a document of the first kind that the rule is for, wherever it would stand. Where the rule has
    a `fix`, a `bad` example must be well once it is applied.
    """
    from automation_scripts.validation.rules.examples import example_problems

    return list(example_problems(rule, environment))
