"""Texts that readers of YAML 1.1 and 1.2 both accept and read as different trees.

They are few: a `:` in the name of an anchor, a `?` that begins a text in brackets, line breaks that only YAML 1.1 knows,
a document that is one block text (its lines need no indentation in YAML 1.2), and a file that ends in blanks. Values that only mean something else are the business of
`version_differences`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import islice

from automation_scripts.validation.documents.tree import Kind, Node, Style
from automation_scripts.validation.parsing.yaml_documents import BuiltDocument

_COLON_IN_NAME = re.compile(r"(?<![^\s\[{,])[&*][\w-]+:")
_QUESTION_IN_BRACKETS = re.compile(r"[\[{,][ \t\r\n]*+\?[^\s,\[\]{}]")
_BLOCK_TEXTS = (Style.LITERAL, Style.FOLDED)
_MAX_MARKS = 100
_OTHER_BREAKS = re.compile("[\x85\u2028\u2029]")


def may_read_differently(text: str, documents: Sequence[BuiltDocument]) -> bool:
    """True when a second reading by the other version is worth its time."""
    return (
        (("&" in text or "*" in text) and _COLON_IN_NAME.search(text) is not None)
        or ("?" in text and any(_is_in_brackets(found.end() - 2, documents) for found in _question_marks(text)))
        or (not text.isascii() and _OTHER_BREAKS.search(text) is not None)
        or any(document.root is not None and document.root.style in _BLOCK_TEXTS for document in documents)
        or (text.endswith(" ") and text.rstrip(" ").endswith(("\n", "\r")))
    )


def _question_marks(text: str) -> Iterator[re.Match[str]]:
    return islice(_QUESTION_IN_BRACKETS.finditer(text), _MAX_MARKS)


def _is_in_brackets(offset: int, documents: Sequence[BuiltDocument]) -> bool:
    """True when what stands at an offset belongs to a flow collection itself, not to a text in it."""
    node = next((d.root for d in documents if d.root is not None and _holds(d.root, offset)), None)
    while node is not None:
        below = [child for pair in node.entries for child in pair] or node.children
        inner = next((child for child in below if _holds(child, offset)), None)
        if inner is None:
            return node.style is Style.FLOW
        node = inner
    return False


def _holds(node: Node, offset: int) -> bool:
    return node.span.start <= offset < node.span.end


def first_difference(old: Sequence[BuiltDocument], new: Sequence[BuiltDocument]) -> Node | None:
    """The first node of `new` that `old` does not have in its place; None when both are the same trees."""
    pairs = [(a.root, b.root) for a, b in zip(old, new, strict=False)]
    if len(old) != len(new):
        pairs.append((None, new[min(len(old), len(new) - 1)].root if new else None))
    pairs.reverse()
    while pairs:
        before, after = pairs.pop()
        if after is None:
            continue
        if before is None or not _is_alike(before, after):
            return after
        below = [*zip(before.children, after.children, strict=True)]
        for (old_key, old_value), (new_key, new_value) in zip(before.entries, after.entries, strict=True):
            below += [(old_key, new_key), (old_value, new_value)]
        pairs.extend(reversed(below))
    return None


def _is_alike(a: Node, b: Node) -> bool:
    return (a.kind, a.value, a.tag, a.anchor, len(a.entries), len(a.children)) == (
        b.kind,
        b.value,
        b.tag,
        b.anchor,
        len(b.entries),
        len(b.children),
    ) and (a.kind is not Kind.ALIAS or (a.target is None) == (b.target is None))
