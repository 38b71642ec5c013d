"""How much input is read before a finding says "too much": hostile files must cost little and raise
nothing."""

from __future__ import annotations

from dataclasses import dataclass

_ORDINARY_SIZE = 16 * 1024 * 1024
# Measured: the process itself; a text with its copy in UTF-8; a node with its span, its text and its place in a list.
_BYTES_BESIDE = 40_000_000
_BYTES_A_CHARACTER = 3
_BYTES_A_NODE = 400
_LEAST_NODES = 50_000


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
    max_nodes: int = 1_000_000
    """Nodes in one file; see `nodes`."""
    max_memory_bytes: int = 512 * 1024 * 1024
    """Memory for the text and the tree of one file."""
    max_cpu_s: float = 3.6
    """Processor time for reading one file of ordinary size; see `cpu_s`."""
    isolate: bool = True
    """Whether a text that may hang or end its reader is tried in a process of its own first."""
    max_alias_expansion: int = 1_000_000
    """Nodes one document would have with every alias and merge key expanded. Counted, not expanded."""
    max_merge_sources: int = 10_000
    """Maps that are visited when all merge keys of one map are followed. Counted, not followed."""
    max_findings: int = 200
    """Findings of one kind in one file; the last one says that there are more."""

    def nodes(self, size: int) -> int:
        """How many nodes the tree of a text of `size` characters may have within the memory."""
        left = self.max_memory_bytes - _BYTES_BESIDE - size * _BYTES_A_CHARACTER
        return min(self.max_nodes, max(left // _BYTES_A_NODE, _LEAST_NODES))

    def cpu_s(self, size: int) -> float:
        """Processor time for reading a text of `size` characters: a larger one may take longer."""
        return max(self.max_cpu_s, self.max_cpu_s * size / _ORDINARY_SIZE)


DEFAULT_LIMITS = Limits()
