"""The part of a document that one schema judges: its nodes, its plain data, and what must not be held against it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from automation_scripts.validation.documents.tree import Kind, Node, ParsedFile, PathKey, Style
from automation_scripts.validation.parsing.yaml_types import resolve, to_data
from automation_scripts.validation.schemas.problems import Problem
from automation_scripts.validation.values.formats import is_template

Path = tuple[PathKey, ...]
_STANDARD_TAGS = ("tag:yaml.org,2002:", "!!")
_MAX_WALK = 20_000
MAX_EXPANDED_NODES = 2_000_000

_OF_A_VALUE = frozenset(
    {
        *("type", "enum", "const", "pattern", "format", "contentEncoding", "contentMediaType", "falseSchema"),
        *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength", "maxLength"),
        *("minItems", "maxItems", "uniqueItems", "minProperties", "maxProperties", "anyOf", "oneOf"),
    }
)
"""Keywords that judge a value which a template or a tag may still change."""

_OF_KEYS = frozenset(
    {"required", "additionalProperties", "unevaluatedProperties", "dependentRequired", "minProperties"}
)


_PATCH_DIRECTIVES = frozenset({"$patch", "$retainKeys", "$setElementOrder", "$deleteFromPrimitiveList"})
_KEY_TEMPLATES = ("${", "{{", "{%", "<%", "$(", "((")


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a path leads: the key it ends with (None for items and the root), and the node as written there."""

    key: Node | None
    node: Node
    tagged: bool = False
    """True when the node or one it stands in has a tag of its own, such as `!Ref`: its final form is unknown."""


@dataclass(slots=True, eq=False)
class Subject:
    """`root` is the node that a schema judges; `prefix` the path to it from the document's root.

    `modern` is true for formats whose readers take plain scalars by YAML 1.2 (`no` is text there).
    """

    file: ParsedFile
    root: Node
    prefix: Path = ()
    label: str = ""
    modern: bool = False
    is_patch: bool = False
    """True for a fragment that is merged into something else: what it leaves out is no mistake."""
    null_unsets: bool = False
    """True for formats in which an empty value takes back what a default or a template set."""
    _data: Any = None
    _read: bool = field(default=False, repr=False)

    @property
    def data(self) -> Any:
        """The plain data, made once."""
        if not self._read:
            self._data = to_data(self.root)
            self._read = True
        return self._data

    def spot(self, path: Path) -> Spot | None:
        """The node at a path below the root; None when the tree has none there (a merged or odd key)."""
        key, node, tagged = None, self.root, _has_own_tag(self.root)
        for step in path:
            parent = node.resolved()
            if parent.kind is Kind.SEQ:
                if not isinstance(step, int) or step >= len(parent.children):
                    return None
                key, node = None, parent.children[step]
            else:
                pair = parent.entry(str(step))
                if pair is None:
                    return None
                key, node = pair
            tagged = tagged or _has_own_tag(node) or _has_own_tag(node.resolved())
        return Spot(key, node, tagged)

    def excuses(self, problem: Problem) -> bool:
        """True when the problem may vanish before anything reads the file: templates, tags, other readings."""
        spot = self.spot(problem.path)
        is_fragment = self.is_patch and problem.keyword in ("required", "dependentRequired")
        if spot is None or spot.tagged or is_fragment:
            return spot is not None
        node = spot.node.resolved()
        if problem.keyword in _OF_KEYS and node.kind is Kind.MAP:
            return self._excuses_keys(problem, node)
        if problem.keyword in ("oneOf", "not", "if", "contains") and node.kind is not Kind.SCALAR:
            return self._holds_template(node) and not _misfits(problem)
        if problem.keyword in _OF_A_VALUE:
            unset = self.null_unsets and node.kind is Kind.SCALAR and resolve(node).type == "null"
            return unset or self.is_templated(node) or (self.modern and _fits_as_text(problem, node))
        return False

    def _excuses_keys(self, problem: Problem, node: Node) -> bool:
        if any(self.is_templated_key(key) for key, _ in node.entries):
            return True
        if problem.keyword in ("additionalProperties", "unevaluatedProperties"):
            return all(node.entry(key) is None for key in problem.detail.get("unexpected", ("",)))
        return False

    def is_templated(self, node: Node) -> bool:
        """True for text with a placeholder in it, and for an unquoted `{{ x }}`, which YAML reads as a map of maps."""
        node = node.resolved()
        if node.kind is Kind.SCALAR:
            return node.style is not Style.LITERAL and is_template(node.value)
        if node.kind is Kind.MAP and node.style is Style.FLOW:
            return self.file.text[node.span.start : node.span.start + 2] == "{{"
        return False

    def is_templated_key(self, key: Node) -> bool:
        """Like `is_templated`, for keys: there `$ref` and `$schema` are names and no variables."""
        if key.kind is Kind.SCALAR:
            return any(mark in key.value for mark in _KEY_TEMPLATES)
        return self.is_templated(key)

    def is_free_key(self, key: Node) -> bool:
        """True for keys that no schema knows and that are right: templates, and directives such as `$patch: delete`."""
        return self.is_templated_key(key) or (self.is_patch and key.value.split("/")[0] in _PATCH_DIRECTIVES)

    def _holds_template(self, node: Node) -> bool:
        for seen, (_, key, below) in enumerate(node.walk()):
            if seen > _MAX_WALK:
                return True
            if self.is_templated(below) or (key is not None and self.is_templated_key(key)) or _has_own_tag(below):
                return True
        return False


def _misfits(problem: Problem) -> bool:
    """True for an alternative that fits nowhere: its branches tell templates apart themselves."""
    return problem.keyword == "oneOf" and sum(not branch for branch in problem.branches) < 2


def _has_own_tag(node: Node) -> bool:
    return node.tag is not None and node.tag not in ("!", "?") and not node.tag.startswith(_STANDARD_TAGS)


def _fits_as_text(problem: Problem, node: Node) -> bool:
    """True when a YAML 1.2 reader takes the scalar for something else, and that is what the schema wants."""
    if node.kind is not Kind.SCALAR:
        return False
    old, new = resolve(node), resolve(node, "1.2")
    if old.value == new.value and old.type == new.type:
        return False
    if problem.keyword == "type":
        return {"str": "string", "int": "integer", "float": "number", "bool": "boolean"}.get(new.type) in (
            problem.detail.get("types", ())
        )
    if problem.keyword == "enum":
        return new.value in problem.detail.get("options", ())
    return True


def expanded_nodes(root: Node) -> int:
    """How many nodes the document has with every alias expanded, counted without expanding (at most the limit + 1).

    Plain data shares what an alias repeats, but a validator walks it again each time.
    """
    sizes: dict[int, int] = {}
    open_nodes: set[int] = set()
    stack: list[tuple[Node, bool]] = [(root, False)]
    while stack:
        node, ready = stack.pop()
        node = node.resolved()
        key = id(node)
        below = [child for pair in node.entries for child in pair] + node.children
        if ready:
            open_nodes.discard(key)
            total = 1 + sum(sizes.get(id(child.resolved()), 1) for child in below)
            sizes[key] = min(total, MAX_EXPANDED_NODES + 1)
        elif key not in sizes and key not in open_nodes:
            open_nodes.add(key)
            stack.append((node, True))
            stack.extend((child, False) for child in below)
    return sizes[id(root.resolved())]
