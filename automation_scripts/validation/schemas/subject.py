"""The part of a document that one schema judges: its nodes, its plain data, and what must not be held against it."""

from __future__ import annotations

import re
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
    ignores_status: bool = False
    """True for objects of a cluster, which writes their `status` itself and drops any that it is given."""
    is_extended: bool = False
    """True for documents that hold more than their schema says as a rule, such as the values of a chart."""
    has_functions: bool = False
    """True for templates in which a map of the one key `Ref` or `Fn::...` stands for any value."""
    converts: str = ""
    """For formats whose readers make of a scalar what they need: `text` of any one, or `all`, numbers of text too."""
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
        key, node, tagged = None, self.root, self._is_open(self.root)
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
            tagged = tagged or self._is_open(node)
        return Spot(key, node, tagged)

    def excuses(self, problem: Problem) -> bool:
        """True when the problem may vanish before anything reads the file: templates, tags, other readings."""
        if self.ignores_status and problem.path[:1] == ("status",):
            return True
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
            if self.converts and converted(problem, node, only_text=self.converts == "text"):
                return True
            is_null = node.kind is Kind.SCALAR and resolve(node).type == "null"
            unset = self.null_unsets and is_null and bool(problem.path) and isinstance(problem.path[-1], str)
            return unset or self.is_templated(node) or (self.modern and _fits_as_text(problem, node))
        return False

    def _excuses_keys(self, problem: Problem, node: Node) -> bool:
        if any(self.is_templated_key(key) for key, _ in node.entries):
            return True
        if self.has_functions and self._is_filled_in(node):
            return True
        if _is_included(node):
            return True
        if problem.keyword in ("additionalProperties", "unevaluatedProperties"):
            return all(self.is_unset(node, key) for key in problem.detail.get("unexpected", ("",)))
        return False

    def _is_filled_in(self, node: Node) -> bool:
        """True for a map to which a function adds keys, or whose type a tool fills in."""
        kind = node.get("Type")
        has_own_kind = kind is not None and self._is_open(kind)
        return has_own_kind or any(key.value.startswith("Fn::") for key, _ in node.entries)

    def is_unset(self, node: Node, key: str) -> bool:
        """True for a key that is not there, or as good as not there."""
        value = node.get(key)
        if value is None or not self.null_unsets:
            return value is None
        return value.kind is Kind.SCALAR and resolve(value).type == "null"

    def _is_open(self, node: Node) -> bool:
        """True for a node that stands for a value which is known only later: by a tag, or by a function's map."""
        if _has_own_tag(node) or _has_own_tag(node.resolved()):
            return True
        return self.has_functions and is_function(node.resolved())

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
        if self.is_templated_key(key):
            return True
        # Assertions of test tools have conditions for keys: `(length(items))`.
        is_condition = key.value.startswith(("(", "~.(")) or key.value.endswith(")")
        return self.is_patch and (is_condition or key.value.split("/")[0] in _PATCH_DIRECTIVES)

    def _holds_template(self, node: Node) -> bool:
        for seen, (_, key, below) in enumerate(node.walk()):
            if seen > _MAX_WALK:
                return True
            if self.is_templated(below) or (key is not None and self.is_templated_key(key)) or self._is_open(below):
                return True
        return False


def _is_included(node: Node) -> bool:
    """True for a map that another file takes the place of (`$ref: paths/users.yaml`) before anything reads it."""
    reference = node.get("$ref")
    return reference is not None and reference.kind is Kind.SCALAR and not reference.value.startswith("#")


def is_function(node: Node) -> bool:
    """True for `{Ref: X}` and `{"Fn::Sub": ...}`."""
    if node.kind is not Kind.MAP or len(node.entries) != 1:
        return False
    name = node.entries[0][0].value
    # Tools that fill in a template before it is sent have functions of their own, such as `Rain::Embed`.
    return name == "Ref" or ("::" in name and not name.startswith("AWS::"))


_NUMBERS = {"integer": re.compile(r"[+-]?[0-9]+"), "number": re.compile(r"[+-]?[0-9]*\.?[0-9]+([eE][+-]?[0-9]+)?")}


def converted(problem: Problem, node: Node, *, only_text: bool = False) -> bool:
    """True when a reader that converts scalars would make what the schema wants of this one."""
    if node.kind is not Kind.SCALAR or resolve(node).type == "null":
        return False
    text = node.value
    if problem.keyword == "type":
        types = problem.detail.get("types", ())
        if only_text:
            return "string" in types
        is_flag = "boolean" in types and (text.lower() in ("true", "false") or resolve(node).type == "bool")
        return is_flag or "string" in types or any(n in types and p.fullmatch(text) for n, p in _NUMBERS.items())
    if problem.keyword in ("enum", "const"):
        options = problem.detail.get("options", [problem.detail.get("expected_value")])
        return any(
            text == str(option) or (isinstance(option, bool) and text.lower() == str(option).lower())
            for option in options
        )
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
