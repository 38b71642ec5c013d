"""Reading a YAML text as libyaml reads it: fast, with offsets, by the rules of YAML 1.1."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import yaml

from automation_scripts.validation.input.limits import Limits
from automation_scripts.validation.parsing.budget import CpuBudget
from automation_scripts.validation.parsing.yaml_builder import TreeBuilder
from automation_scripts.validation.parsing.yaml_documents import BuiltDocument, Problem


class EventReader:
    """Builds the documents of one text. `read` goes on where a broken document was left."""

    def __init__(self, text: str, starts: Sequence[int], limits: Limits, budget: CpuBudget) -> None:
        self._text = text
        self._starts = starts
        self._limits = limits
        self._budget = budget
        self._nodes = 0

    def read(self, base: int, emit: Callable[[BuiltDocument], None]) -> Problem | None:
        """Build documents from offset `base` on and hand each to `emit`; the problem that ended it, or
        None."""
        builder = TreeBuilder(self._text, self._starts, self._limits, self._budget, base, self._nodes)
        try:
            loader = yaml.CSafeLoader(self._text[base:] if base else self._text)
            try:
                return builder.run(loader.get_event, emit)
            finally:
                loader.dispose()
        except yaml.MarkedYAMLError as error:
            return builder.syntax_problem(error)
        except (yaml.YAMLError, UnicodeError, ValueError) as error:
            return Problem("syntax", builder.last_end, str(error).split("\n", 1)[0])
        finally:
            self._nodes = builder.nodes
            builder.flush(emit)
