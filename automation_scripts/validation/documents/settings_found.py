"""Settings, wherever they are written: nested keys, environment blocks, arguments, command lines, URL parameters.

A setting's name is reduced to its words (`verifySsl`, `VERIFY_SSL`, `--verify-ssl` and `verify: {ssl: }` are all
`verify_ssl`), so that one table of names serves every tool.
"""

from __future__ import annotations

from dataclasses import dataclass

from automation_scripts.validation.documents.tree import Node, PathKey


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting: its name as written, its words with those of its parents, and its value's place in a scalar."""

    name: str
    words: str
    """`tls_enabled` for `{tls: {enabled: }}`: the last words of the path, joined with `_`."""
    own_words: str
    """Only the words of its own key."""
    value: str
    node: Node
    start: int
    end: int
    path: tuple[PathKey, ...]
    parent: Node | None = None
    is_flag: bool = False
    """A bare `--option`."""
