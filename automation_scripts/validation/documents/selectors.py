"""Paths with wildcards over a document: `spec.**.containers[*].image`, `services.*.{cpus,mem_limit}`.

A step is a key, `*` (any key or index), `[*]` (any index), `[3]`, or `**` (any number of steps, none included).
Keys may hold `*`, `?` and `{a,b}`; a key with dots is quoted: `metadata.annotations."a.b/c"`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from automation_scripts.validation.documents.scalars import pairs
from automation_scripts.validation.documents.tree import Document, Kind, Node, PathKey


@dataclass(frozen=True, slots=True)
class Match:
    """A node that a selector found. `node` is never an alias."""

    path: tuple[PathKey, ...]
    key: Node | None
    node: Node
    parent: Node | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a selector: `deep` is `**`; `index` is None for keys, -1 for any index."""

    deep: bool = False
    key: re.Pattern[str] | None = None
    index: int | None = None

    @property
    def name(self) -> str:
        """The key as it was written, wildcards as their expression."""
        return re.sub(r"\\(.)", r"\1", self.key.pattern) if self.key is not None else ""

    @property
    def literal(self) -> str | None:
        """The one key that this step takes; None when it takes several."""
        name = self.name
        return name if self.key is not None and re.escape(name) == self.key.pattern else None

    def takes(self, step: PathKey) -> bool:
        """True when this step matches one path key."""
        if isinstance(step, int):
            return self.index == -1 or self.index == step
        return self.key is not None and self.key.fullmatch(step) is not None


@dataclass(slots=True)
class DocumentIndex:
    """Every node of a document, found once; aliases are followed to their target but never entered twice."""

    document: Document
    matches: list[Match] = field(default_factory=list)
    by_key: dict[str, list[Match]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        parents: dict[tuple[PathKey, ...], Node] = {}
        for path, key, node in self.document.root.walk():
            if node.kind in (Kind.MAP, Kind.SEQ):
                parents[path] = node
            match = Match(path, key, node.resolved(), parents.get(path[:-1]) if path else None)
            self.matches.append(match)
            if path and isinstance(path[-1], str):
                self.by_key.setdefault(path[-1], []).append(match)

    def keyed(self, *names: str) -> list[Match]:
        """The values of every entry whose key is one of `names`, anywhere."""
        return [match for name in names for match in self.by_key.get(name, ())]


class Selector:
    """A compiled path with wildcards."""

    def __init__(self, text: str) -> None:
        """Compile `text`.

        Raises:
            ValueError: when it is no selector; the message says why.
        """
        self.text = text
        self.steps = _parse(text)

    def find(self, index: DocumentIndex) -> list[Match]:
        """The nodes of a document that the path leads to, in document order, each once."""
        steps = list(self.steps)
        frontier: list[Match]
        if len(steps) >= 2 and steps[0].deep and steps[1].key is not None:
            # By far the most common form, and the index already knows its answer.
            wanted = steps[1]
            frontier = [m for name, found in index.by_key.items() if wanted.takes(name) for m in found]
            if wanted.index == -1:
                frontier += [m for m in index.matches if m.path and isinstance(m.path[-1], int)]
            steps = steps[2:]
        else:
            frontier = [Match((), None, index.document.root.resolved())]
        for step in steps:
            frontier = _distinct(_deep(index, frontier) if step.deep else _next(frontier, step))
        return sorted(_distinct(frontier), key=lambda m: m.node.span.start)


def _distinct(matches: list[Match]) -> list[Match]:
    # A node reached on two ways is checked once; this also keeps alias bombs as small as their text.
    seen: dict[int, Match] = {}
    for match in matches:
        seen.setdefault(id(match.node), match)
    return list(seen.values())


def _next(frontier: list[Match], step: Step) -> list[Match]:
    found = []
    for match in frontier:
        if match.node.kind is Kind.MAP:
            found += [
                Match((*match.path, key.value), key, value, match.node)
                for key, value in pairs(match.node)
                if step.takes(key.value)
            ]
        elif match.node.kind is Kind.SEQ and step.index is not None:
            found += [
                Match((*match.path, i), None, child.resolved(), match.node)
                for i, child in enumerate(match.node.children)
                if step.takes(i)
            ]
    return found


def _deep(index: DocumentIndex, frontier: list[Match]) -> list[Match]:
    if len(frontier) == 1 and not frontier[0].path:
        return index.matches
    found = []
    for match in frontier:
        parents: dict[tuple[PathKey, ...], Node] = {}
        for path, key, node in match.node.walk():
            if node.kind in (Kind.MAP, Kind.SEQ):
                parents[path] = node
            if not path:
                found.append(match)
            else:
                found.append(Match((*match.path, *path), key, node.resolved(), parents.get(path[:-1])))
    return found


_TOKEN = re.compile(r'"((?:[^"\\]|\\.)*)"|\[(\*|\d{1,9})\]|([^.\[\]"]+)|(\.)')


def _parse(text: str) -> tuple[Step, ...]:
    steps: list[Step] = []
    end, expects_step = 0, True
    for token in _TOKEN.finditer(text):
        if token.start() != end:
            break
        end = token.end()
        quoted, index, bare, dot = token.groups()
        if dot:
            if expects_step:
                raise ValueError(f"there is an empty step before character {end} of '{text}'")
            expects_step = True
            continue
        if not expects_step and index is None:
            raise ValueError(f"a dot is missing before '{token[0]}' in '{text}'")
        expects_step = False
        if quoted is not None:
            steps.append(Step(key=re.compile(re.escape(re.sub(r"\\(.)", r"\1", quoted)))))
        elif index is not None:
            steps.append(Step(index=-1 if index == "*" else int(index)))
        elif bare == "**":
            steps.append(Step(deep=True))
        elif bare == "*":
            steps.append(Step(key=re.compile(r"(?s:.*)"), index=-1))
        else:
            steps.append(Step(key=glob_pattern(bare)))
    if end != len(text) or not text:
        raise ValueError(f"character {end + 1} of '{text}' cannot stand there" if text else "the path is empty")
    if expects_step:
        raise ValueError(f"'{text}' ends with a dot")
    return tuple(steps)


def glob_pattern(text: str) -> re.Pattern[str]:
    """A regular expression for one glob without separators: `*`, `?` and `{a,b}`.

    Raises:
        ValueError: for a brace that is not closed.
    """
    parts, depth = [], 0
    for char in text:
        if char == "{":
            depth += 1
            parts.append("(?:")
        elif char == "}" and depth:
            depth -= 1
            parts.append(")")
        elif char == "," and depth:
            parts.append("|")
        else:
            parts.append({"*": "[^\n]*", "?": "[^\n]"}.get(char, re.escape(char)))
    if depth:
        raise ValueError(f"a brace is not closed in '{text}'")
    return re.compile("".join(parts))
