"""What reading a YAML text gives before it is judged: documents with their anchors, and the problem that ended one."""

from __future__ import annotations

from dataclasses import dataclass, field

from automation_scripts.validation.documents.tree import Node


@dataclass(slots=True)
class Anchor:
    """One `&name`: the node it names, where the mark itself stands, and whether an alias ever points at
    it."""

    name: str
    node: Node
    start: int
    end: int
    used: bool = False


@dataclass(slots=True)
class Problem:
    """Why a document could not be read to its end. Offsets are into the whole text."""

    kind: str
    """`syntax`, `depth`, `nodes`, `expansion`, `merge` or `time`."""
    offset: int
    message: str = ""
    context: str = ""
    context_offset: int | None = None
    last_scalar: Node | None = None
    """The last scalar before the problem: an unclosed quote shows in it."""
    suspect: Node | None = None
    """The first text in quotes that runs over a line which looks like a key: its own quote may be missing."""
    bracket: int | None = None
    """Where the innermost `[` or `{` stands that was open at the problem."""
    document: int = 0
    """Where the latest document begins: its `---`, or its first token."""
    root: Node | None = None
    """The root of the latest document when that had come to its end."""


@dataclass(slots=True)
class BuiltDocument:
    """One document as built: its root when it is sound, and what a check of anchors and keys needs."""

    root: Node | None = None
    start: int = 0
    anchors: list[Anchor] = field(default_factory=list)
    dangling: list[tuple[Node, tuple[str, ...]]] = field(default_factory=list)
    """Aliases without an anchor, with the names that were known there."""
    repeated: list[Node] = field(default_factory=list)
    """Maps in which some key text stands twice."""
    glued: list[tuple[int, int]] = field(default_factory=list)
    """(start, place after the colon) of lines that read `key:value` and are text, because the space is missing."""
    cycles: list[Node] = field(default_factory=list)
    """Aliases that point at a collection they stand in."""
    depth: int = 0
    expansion: int = 0
    """Nodes that aliases would add if they were expanded."""
    shallow: bool = False
    """True when a line of a quoted text or of brackets is indented no deeper than the block around them."""
