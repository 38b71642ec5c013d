"""How much input is read before a finding says "too much": hostile files must cost little and raise
nothing."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """The bounds of one validation. Every bound that is met is reported as a finding, never as an
    exception."""

    max_file_bytes: int = 16 * 1024 * 1024
    """A larger file is not read."""
    max_files: int = 20_000
    """Files beyond this many are not read."""
    max_depth: int = 200
    """Nested collections in one document."""
    max_nodes: int = 2_000_000
    """Nodes in one file."""
    max_alias_expansion: int = 1_000_000
    """Nodes one document would have with every alias and merge key expanded. Counted, not expanded."""
    max_merge_sources: int = 10_000
    """Maps that are visited when all merge keys of one map are followed. Counted, not followed."""
    max_findings: int = 200
    """Findings of one kind in one file; the last one says that there are more."""


DEFAULT_LIMITS = Limits()
