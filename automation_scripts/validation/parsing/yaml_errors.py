"""What a YAML syntax error means: the place a person must look at, in words, and the fix where it is
mechanical.

libyaml reports where it gave up. The mistake often stands earlier: at the quote or bracket that was opened,
or at the key before. Each explanation handles one family of its messages.
"""

from __future__ import annotations

from collections.abc import Callable

from automation_scripts.validation.input.text import LineIndex
from automation_scripts.validation.parsing import yaml_block_errors as block
from automation_scripts.validation.parsing import yaml_value_errors as value
from automation_scripts.validation.parsing.yaml_documents import Problem
from automation_scripts.validation.parsing.yaml_error_places import Explanation, word_end

_Handler = Callable[[Problem, int, LineIndex], Explanation | None]

# Words of libyaml's problem or context, and who explains them; the first that has an explanation is taken.
_HANDLERS: tuple[tuple[str, _Handler], ...] = (
    ("cannot start any token", value.no_token),
    ("found a tab character", block.tab),
    ("mapping values are not allowed", block.mapping_value),
    ("unknown escape character", value.escape),
    ("did not find expected hexdecimal number", value.escape),
    ("while scanning a quoted scalar", value.unclosed_quote),
    ("could not find expected ':'", block.simple_key),
    ("did not find expected ',' or", value.flow),
    ("while parsing a flow", value.flow),
    ("did not find expected key", block.expected_key),
    ("did not find expected '-' indicator", block.expected_key),
    ("did not find expected <document start>", block.document_start),
    ("while scanning an alias", value.anchor_or_alias),
    ("while scanning an anchor", value.anchor_or_alias),
    ("undefined tag handle", value.tag_handle),
    ("block sequence entries are not allowed", block.sequence_entry),
    ("while scanning a block scalar", block.block_header),
    ("incompatible YAML document", value.version),
    ("did not find expected node content", value.node_content),
)


def explain(problem: Problem, index: LineIndex) -> Explanation:
    """The explanation of a `syntax` problem; in libyaml's own words when nothing better is known."""
    text = index.text
    at = min(problem.offset, len(text))
    handlers = [handler for words, handler in _HANDLERS if words in problem.message or words in problem.context]
    for handler in (value.swallowing_quote, *handlers):
        found = handler(problem, at, index)
        if found is not None:
            return found
    message = problem.message[:1].upper() + problem.message[1:]
    if problem.context and problem.context != problem.message:
        message += f" ({problem.context})"
    return Explanation(at, max(word_end(text, at), at), f"YAML syntax error: {message}.")
